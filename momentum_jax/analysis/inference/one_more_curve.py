"""A band that holds the whole curve of one more run, with a confidence that few seeds can give.

A curve's score is its largest distance from the seeds' mean, in standard deviations over seeds at each checkpoint. Each
seed is scored by the mean and the deviation of all other seeds, so that its score is like that of a new run; the band
is as wide as all but the allowed share of these scores (leave-one-out conformal prediction: Lei, G'Sell, Rinaldo,
Tibshirani and Wasserman 2018, JASA 113; curves and their modulation: Diquigiovanni, Fontana and Vantini 2022,
Journal of Multivariate Analysis 189). No distribution is taken for granted; `benchmarks/coverage_curves.py` measures
the coverage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.level import CONFIDENCE

Floats = npt.NDArray[np.float64]

_LEAST_SPREAD = 1e-6  # of the largest standard deviation; a checkpoint where all seeds are alike has this


class CurveBand(NamedTuple):
    """Where the whole curve of one more run lies."""

    low: Floats  # [K]; NaN where there is no band
    high: Floats
    confidence: float  # what the band really has, 0 to 1
    flag: str  # empty, or why it is not the confidence asked for


def one_more_curve(values: npt.ArrayLike, confidence: float = CONFIDENCE) -> CurveBand:
    """Prediction band of one more curve, simultaneous over its checkpoints.

    Args:
        values: ``[seed, K]``; NaN is left out.
        confidence: asked-for chance that the whole new curve lies within. With fewer than 19 seeds 95 % cannot be had:
            the band is then that of the largest score, n / (n + 1), flagged.

    Returns:
        The band; NaN and flagged below the fewest seeds that have an interval.
    """
    array = np.asarray(values, np.float64)
    array = array[~np.isnan(array).all(axis=-1)]
    number = len(array)
    if not enough(number):
        nothing = np.full(array.shape[-1], np.nan)
        return CurveBand(nothing, nothing, np.nan, NO_VERDICT)
    scores = np.sort(_scores(array))
    rank = int(np.ceil((number + 1) * confidence - 1e-9))
    flag = "" if rank <= number else "seeds' largest distance"
    rank = min(rank, number)
    mean, spread = _centre_and_spread(array)
    width = scores[rank - 1] * spread
    return CurveBand(mean - width, mean + width, rank / (number + 1), flag)


def _centre_and_spread(array: Floats) -> tuple[Floats, Floats]:
    known = ~np.isnan(array)
    number = known.sum(axis=0)
    mean = np.where(number > 0, np.nansum(array, axis=0) / np.maximum(number, 1), np.nan)
    squares = np.nansum((array - mean) ** 2, axis=0)
    return mean, _floored(np.sqrt(squares / np.maximum(number - 1, 1)))


def _scores(array: Floats) -> Floats:
    """``[seed]``: the largest distance from the others' mean, in the others' standard deviations."""
    known = ~np.isnan(array)
    shifted = np.where(known, array - np.nanmean(np.where(known.any(axis=0), array, 0.0), axis=0), 0.0)
    number = known.sum(axis=0) - known
    mean = (shifted.sum(axis=0) - shifted) / np.maximum(number, 1)
    squares = (shifted**2).sum(axis=0) - shifted**2 - number * mean**2
    spread = _floored(np.sqrt(np.maximum(squares, 0) / np.maximum(number - 1, 1)))
    distance = np.where(known & (number > 1), np.abs(shifted - mean), 0.0)
    return np.asarray((distance / spread).max(axis=-1))


def _floored(spread: Floats) -> Floats:
    largest = spread.max(axis=-1, keepdims=True)
    return np.maximum(spread, np.where(largest > 0, _LEAST_SPREAD * largest, 1.0))
