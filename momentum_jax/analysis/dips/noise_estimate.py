"""The noise of curves from nothing but the curves: how far each value lies from the line between its neighbours.

The variance of these bends gives that of the noise (Gasser, Sroka and Jennen-Steinmetz 1986, Biometrika 73), the
signs of neighbouring bends give the correlation of neighbouring errors, and their kurtosis gives the tails. Taken for
granted:

- The true curve is close to a line over three neighbouring checkpoints, or bends there as the seeds' mean does. What
  wiggles faster counts as noise: no dip of one or two checkpoints is found by itself.
- The noise of all seeds grows and shrinks alike over time; each seed has a level of its own.
- Errors are a first-order autoregression over checkpoints, the same in all seeds. Their correlation is the largest that
  the bends of all seeds together allow, so that few bends make a wide floor and not a false dip. Tails need many bends:
  the errors of few, and of one seed, are taken to be normal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.bend_covariance import (
    bend_weights,
    covariance_at,
    lost_freedom,
    neighbours_correlation,
)
from momentum_jax.analysis.dips.design_effect import bends, less_common
from momentum_jax.analysis.dips.noise_sources import NoiseLevel, moving_sum, never_zero

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MIN_CHECKPOINTS = 5  # from which noise can be estimated
NO_NEIGHBOURS = "no seeds with values at three neighbouring steps"
_POOLED = 64  # bends taken together for the noise's course over time
_MIN_BENDS = 200  # of all seeds, from which tails are estimated
_CORRELATIONS = np.arange(0, 1.0, 0.01)
_SIGNS_ALLOWED = 1.5  # standard errors of that of neighbouring bends, added to what was seen
_SPREAD_ALLOWED = 1.25  # times the seeds' spread
_KURTOSIS_KEPT = 0.5  # of the noise's excess kurtosis, in a bend between equally distant neighbours
_LEAST_TAILS = 2.5  # degrees of freedom


class _Bends(NamedTuple):
    """Bends as multiples of the standard deviation of independent noise, ``[seed, K - 2]``."""

    own: Floats  # less the seeds' mean; 0 where it is not usable
    usable: Flags
    weights: Floats  # [K - 2, 3] of the values that make a bend


def estimated(env_steps: npt.ArrayLike, curves: npt.ArrayLike) -> NoiseLevel:
    """Noise from the curves ``[seed, K]`` themselves; see the module for what is taken for granted.

    Returns:
        Sigma NaN and a flag with fewer than `MIN_CHECKPOINTS` values of every seed, or with gaps beside each value.
    """
    steps, values = np.asarray(env_steps, np.float64), np.asarray(curves, np.float64)
    if np.isfinite(values).sum(axis=-1).max(initial=0) < MIN_CHECKPOINTS:
        return NoiseLevel(np.full(values.shape, np.nan), np.nan, 1, f"fewer than {MIN_CHECKPOINTS} checkpoints")
    found = _bends(steps, values)
    if not found.usable.any():
        return NoiseLevel(np.full(values.shape, np.nan), np.nan, 1, NO_NEIGHBOURS)
    number = found.usable.sum(axis=1, keepdims=True)
    squares = found.own**2
    level = squares.sum(axis=1, keepdims=True) / np.maximum(number, 1)
    course = _course(squares, level, found.usable) if len(values) > 1 else np.ones(values.shape[1])
    size = np.sqrt(level * course[1:-1])
    relative = np.where(found.usable & (size > 0), found.own / np.where(size > 0, size, 1), 0.0)
    correlation = _correlation(values, relative, found)
    mean = covariance_at(found.weights, correlation, 0).mean()
    lost = lost_freedom(found.weights, correlation)
    freedom = max(float(np.median(number[number > 0])) / lost, 1.0)
    pooled = int((relative != 0).sum()) >= _MIN_BENDS and len(values) > 1
    tails = _tails(relative, found.usable, freedom) if pooled else np.inf
    sigma = np.where(number > 0, np.sqrt(level * course / mean), np.nan)
    return NoiseLevel(never_zero(sigma), freedom, values.shape[1], "", correlation, tails)


def _bends(steps: Floats, values: Floats) -> _Bends:
    before = (steps[2:] - steps[1:-1]) / (steps[2:] - steps[:-2])
    spread = np.sqrt(1 + before**2 + (1 - before) ** 2)
    bend = bends(values, before) / spread
    usable = np.isfinite(bend)
    own = np.where(usable, bend, 0.0)
    if len(values) > 1:  # a mean of n seeds takes 1 / n of the variance with it, and of one seed all
        usable &= usable.sum(axis=0) > 1
        seeds = np.maximum(usable.sum(axis=0), 2)
        own = less_common(bend, usable) * np.sqrt(seeds / (seeds - 1))
    return _Bends(own, usable, bend_weights(before))


def _course(squares: Floats, level: Floats, usable: Flags) -> Floats:
    """``[K]`` how the variance goes over time, the same for all seeds, of mean 1 over the inner checkpoints."""
    relative = np.where(usable & (level > 0), squares / np.where(level > 0, level, 1), 0.0).sum(axis=0)
    number = (usable & (level > 0)).sum(axis=0).astype(float)
    width = min(max(int(np.ceil(_POOLED / len(squares))), 3), len(relative))
    sums, counts = moving_sum(relative, width), moving_sum(number, width)
    course = np.where(counts > 0, sums / np.where(counts > 0, counts, 1), 1.0)
    return np.concatenate([course[:1], course, course[-1:]])


def _correlation(values: Floats, relative: Floats, found: _Bends) -> float:
    """The largest correlation of neighbouring errors that both the bends' signs and the seeds' spread allow."""
    by_sign = np.array([neighbours_correlation(found.weights, each) for each in _CORRELATIONS])
    allowed = by_sign <= _neighbours(relative, found)
    if len(values) > 1:
        by_spread = np.array([covariance_at(found.weights, each, 0).mean() ** -0.5 for each in _CORRELATIONS])
        allowed &= by_spread <= _spread_allowed(values, found)
    return float(_CORRELATIONS[allowed].max(initial=0.0))


def _neighbours(relative: Floats, found: _Bends) -> float:
    """Correlation of neighbouring bends, and what so many leave open beside it.

    From signs alone (of normal bends: Sheppard 1899), for the bends of true dips are large, and bend alike.
    """
    both = (relative[:, 1:] != 0) & (relative[:, :-1] != 0)  # a curve that stays at its cap has no noise there
    if not both.any():
        return -1.0
    agreement = np.sign(relative[:, 1:] * relative[:, :-1])[both].mean()
    return float(np.sin(np.pi / 2 * agreement) + _SIGNS_ALLOWED / np.sqrt(both.sum()))


def _spread_allowed(values: Floats, found: _Bends) -> float:
    """Standard deviations of a bend in that of an error, at most: errors lie no further apart than the seeds do.

    From medians, which a dip in few seeds or at few checkpoints does not move.
    """
    known = np.isfinite(values)
    known &= known.sum(axis=0) > 1
    seeds = np.maximum(known.sum(axis=0), 2)
    apart = np.abs(less_common(values, known) * np.sqrt(seeds / (seeds - 1)))
    apart, bent = apart[apart > 0], np.abs(found.own[found.own != 0])
    return float(_SPREAD_ALLOWED * np.median(apart) / np.median(bent)) if len(bent) and len(apart) else np.inf


def _tails(relative: Floats, usable: Flags, freedom: float) -> float:
    """Degrees of freedom of Student's t with the noise's kurtosis; infinite where it is no more than a normal one's."""
    bend = relative[usable]
    kurtosis = float((bend**4).mean() / (bend**2).mean() ** 2)
    # Of normal bends that were divided by their own seed's spread it is below 3.
    excess = kurtosis - 3 * freedom / (freedom + 2)
    return max(4 + 6 * _KURTOSIS_KEPT / excess, _LEAST_TAILS) if excess > 0 else np.inf
