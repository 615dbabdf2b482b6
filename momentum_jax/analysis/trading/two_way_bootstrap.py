"""Intervals of numbers that stand on seeds and on days: both are resampled, independently of each other.

A seed meets every day and a day every seed, so neither alone is the sample. The bootstrap draws rows and columns of
the array apart. For many rows and columns its variance is on average not too small for crossed effects, and somewhat
too large for cells without any: Owen (2007), The Pigeonhole Bootstrap, Annals of Applied Statistics 1.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.resampling import resample_counts
from momentum_jax.analysis.trading.performance import MIN_DAYS, TRADING_DAYS

Floats = npt.NDArray[np.float64]

_DRAWS = 4_999
_CONSTANT = 1e-9


def mean_interval(values: npt.ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean of values [seed, day] with a percentile interval; seeds that are NaN are left out."""
    return ratio_interval(values, np.ones(np.shape(values)), confidence)


def ratio_interval(counts: npt.ArrayLike, of: npt.ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean over seeds of the sum over days of `counts` [seed, day] over that of `of`; likewise.

    Seeds without anything to count in a draw are left out of it.
    """
    both = np.stack(np.broadcast_arrays(np.asarray(counts, np.float64), np.asarray(of, np.float64)), axis=-1)
    top, bottom = np.moveaxis(_known(both), -1, 0)
    seeds, days = _drawn(*top.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = _mean_over_seeds((top.sum(axis=1) / bottom.sum(axis=1))[None], np.ones((1, len(top))))[0]
        draws = _mean_over_seeds((days @ top.T) / (days @ bottom.T), seeds)
    return _interval(estimate, draws, top.shape, confidence)


def sharpe_interval(returns: npt.ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean over seeds of each seed's annualised Sharpe ratio of daily returns [seed, day]; likewise.

    Below `MIN_DAYS` days there is none.
    """
    daily = _known(returns)
    number = daily.shape[1]
    if number < MIN_DAYS:
        return Interval(np.nan, np.nan, np.nan, f"fewer than {MIN_DAYS} days")
    seeds, days = _drawn(*daily.shape)
    one, every = np.ones((1, len(daily))), np.ones((1, number))
    estimate = _mean_over_seeds(_sharpes(daily, every), one)[0]
    return _interval(estimate, _mean_over_seeds(_sharpes(daily, days), seeds), daily.shape, confidence)


def _sharpes(daily: Floats, days: Floats) -> Floats:
    """Annualised ratios [draw, seed] of days drawn so often [draw, day]."""
    number = daily.shape[1]
    centred = daily - daily.mean(axis=1, keepdims=True)  # so that squares keep their digits
    shift = days @ centred.T / number
    variance = (days @ (centred**2).T / number - shift**2) * number / (number - 1)
    scale = (centred**2).max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (daily.mean(axis=1) + shift) / np.sqrt(variance)
    return np.sqrt(TRADING_DAYS) * np.where(variance > 1e-12 * scale, ratio, np.nan)


def _mean_over_seeds(values: Floats, counts: Floats) -> Floats:
    """[draw] of values [draw, seed] with each seed drawn so often; seeds without a value are left out."""
    known = np.isfinite(values)
    weights = np.where(known, counts, 0.0)
    total = weights.sum(axis=1)
    sums = (weights * np.where(known, values, 0.0)).sum(axis=1)
    return np.divide(sums, total, out=np.full(len(values), np.nan), where=total > 0)


def _interval(estimate: float, draws: Floats, shape: tuple[int, ...], confidence: float) -> Interval:
    draws = draws[np.isfinite(draws)]
    if not np.isfinite(estimate) or not len(draws):
        return Interval(float(estimate), np.nan, np.nan, "not measured")
    if min(shape) < 2:
        return Interval(float(estimate), np.nan, np.nan, "one seed" if shape[0] < 2 else "one day")
    if np.ptp(draws) < _CONSTANT:
        return Interval(float(estimate), float(estimate), float(estimate), "constant")
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(estimate), float(low), float(high))


def _known(values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    return array[~np.isnan(array).any(axis=tuple(range(1, array.ndim)))]


@functools.lru_cache(maxsize=4)
def _drawn(num_seeds: int, num_days: int) -> tuple[Floats, Floats]:
    """How often each seed and each day is in each draw, [draw, seed] and [draw, day]."""
    seeds, days = resample_counts(max(num_seeds, 1), _DRAWS, 0), resample_counts(num_days, _DRAWS, 1)
    return seeds[:, :num_seeds].astype(np.float64), days.astype(np.float64)
