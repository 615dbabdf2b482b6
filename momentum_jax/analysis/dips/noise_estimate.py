"""The noise of curves from nothing but the curves: how far each value lies from the line between its neighbours.

The variance of these bends gives that of the noise (Gasser, Sroka and Jennen-Steinmetz 1986, Biometrika 73), the
correlation of neighbouring bends gives that of neighbouring errors, and their kurtosis gives the tails. Taken for
granted:

- The true curve is close to a line over three neighbouring checkpoints, or bends there as the seeds' mean does. What
  wiggles faster counts as noise: no dip of one or two checkpoints is found by itself.
- The noise of all seeds grows and shrinks alike over time; each seed has a level of its own.
- Errors are a first-order autoregression over checkpoints, the same in all seeds. Correlation and tails are those of
  all seeds together; one seed shows too little of both, and its errors are taken to be independent and normal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.design_effect import bends, less_common
from momentum_jax.analysis.dips.noise_sources import NoiseLevel, moving_sum, never_zero

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MIN_CHECKPOINTS = 5  # from which noise can be estimated
NO_NEIGHBOURS = "no seeds with values at three neighbouring steps"
_POOLED = 64  # bends taken together for the noise's course over time
_MIN_BENDS = 200  # of all seeds, from which correlation and tails are estimated
_CORRELATIONS = np.arange(0, 0.96, 0.01)
_KURTOSIS_KEPT = 0.5  # of the noise's excess kurtosis, in a bend between equally distant neighbours
_ALLOWED = (
    1.0  # standard errors of the excess kurtosis, added to what was seen: few bends of heavy tails show too little
)
_LEAST_TAILS = 2.5  # degrees of freedom


class _Bends(NamedTuple):
    """Bends as multiples of the standard deviation of independent noise, ``[seed, K - 2]``."""

    own: Floats  # less the seeds' mean; 0 where it is not usable
    usable: Flags
    weights: Floats  # [K - 2, K] of the values that make a bend


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
    pooled = int((relative != 0).sum()) >= _MIN_BENDS and len(values) > 1
    correlation = _correlation(relative, found.usable, found.weights) if pooled else 0.0
    covariance = found.weights @ _autoregression(values.shape[1], correlation) @ found.weights.T
    mean, lost = covariance.trace() / len(covariance), len(covariance) * (covariance**2).sum() / covariance.trace() ** 2
    freedom = max(float(np.median(number[number > 0])) / lost, 1.0)
    tails = _tails(relative, found.usable, freedom, lost) if pooled else np.inf
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
    weights = np.zeros((len(before), len(steps)))
    rows = np.arange(len(before))
    for offset, weight in enumerate((-before, np.ones_like(before), before - 1)):
        weights[rows, rows + offset] = weight / spread
    return _Bends(own, usable, weights)


def _course(squares: Floats, level: Floats, usable: Flags) -> Floats:
    """``[K]`` how the variance goes over time, the same for all seeds, of mean 1 over the inner checkpoints."""
    relative = np.where(usable & (level > 0), squares / np.where(level > 0, level, 1), 0.0).sum(axis=0)
    number = (usable & (level > 0)).sum(axis=0).astype(float)
    width = min(max(int(np.ceil(_POOLED / len(squares))), 3), len(relative))
    sums, counts = moving_sum(relative, width), moving_sum(number, width)
    course = np.where(counts > 0, sums / np.where(counts > 0, counts, 1), 1.0)
    return np.concatenate([course[:1], course, course[-1:]])


def _correlation(relative: Floats, usable: Flags, weights: Floats) -> float:
    """The correlation of neighbouring errors that makes that of neighbouring bends; 0 or more."""
    both = usable[:, 1:] & usable[:, :-1]
    seen = (relative[:, 1:] * relative[:, :-1])[both].mean() / (relative[usable] ** 2).mean()
    expected = []
    for correlation in _CORRELATIONS:
        covariance = weights @ _autoregression(weights.shape[1], correlation) @ weights.T
        expected.append(np.diagonal(covariance, 1).mean() / np.diagonal(covariance).mean())
    return float(_CORRELATIONS[np.searchsorted(expected, seen, side="right") - 1]) if seen > expected[0] else 0.0


def _autoregression(size: int, correlation: float) -> Floats:
    """Correlation matrix ``[K, K]`` of a first-order autoregression."""
    return np.asarray(correlation ** np.abs(np.subtract.outer(np.arange(size), np.arange(size))), np.float64)


def _tails(relative: Floats, usable: Flags, freedom: float, lost: float) -> float:
    """Degrees of freedom of Student's t with the noise's kurtosis, allowing for what so many bends may hide."""
    bend = relative[usable]
    kurtosis = float((bend**4).mean() / (bend**2).mean() ** 2)
    # Of normal bends that were divided by their own seed's spread it is below 3.
    seen = max(kurtosis - 3 * freedom / (freedom + 2), 0.0)
    excess = seen + _ALLOWED * np.sqrt(24 * lost / len(bend))
    return max(4 + 6 * _KURTOSIS_KEPT / excess, _LEAST_TAILS)
