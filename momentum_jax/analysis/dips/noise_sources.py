"""How noisy the values of a curve are: from counts, standard errors, replicates, or from the curve itself.

Each source gives a standard deviation of every value and how sure it is, and `noise.judge_against_null` needs no more.
What each takes for granted:

- counts: decisions or episodes of a window; their resemblance is a design effect, estimated over seeds
  (`design_effect`). With one seed, or fewer than three windows, they are taken to be independent.
- standard errors: known, and errors of different checkpoints independent. Common random numbers at all checkpoints make
  a fall clearer than these errors say.
- replicates: independent, with a variance that is alike in a few neighbouring checkpoints.
- estimated: the true curve is close to a line over three neighbouring checkpoints, or bends there as the seeds' mean
  does; errors of neighbouring checkpoints are independent; the noise of all seeds grows and shrinks alike over time.
  The variance is that of each value's distance from the line between its neighbours (Gasser, Sroka and Jennen-Steinmetz
  1986, Biometrika 73). A fast true wiggle counts as noise, so such an estimate tends to be too large; errors that last
  over several checkpoints it does not see, and it is then too small.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.design_effect import bends, binomial_sigma, design_effect, less_common

Floats = npt.NDArray[np.float64]

MIN_CHECKPOINTS = 5  # from which noise can be estimated from a curve itself
_FREEDOM = 16  # degrees of freedom wanted of replicates
_POOLED = 64  # bends taken together for the noise's course over time
_EXACT = 1e-6  # of the largest standard deviation; what is smaller is taken for this
# Sum of the squared correlations of a bend with itself and its neighbours: 1 + 2 (4/6)² + 2 (1/6)².
_LOST = 1 + 2 * (4 / 6) ** 2 + 2 * (1 / 6) ** 2


class NoiseLevel(NamedTuple):
    """Noise of an arm's curves."""

    sigma: Floats  # [seed, K] standard deviation of each value; NaN where it is not known
    freedom: float  # degrees of freedom of its estimate; infinite where it is known
    block: int  # checkpoints in a row that share an estimate
    flag: str = ""  # what had to be taken for granted beyond what the module says


def from_counts(env_steps: npt.ArrayLike, successes: Floats, totals: Floats, horizon: float) -> NoiseLevel:
    """Noise of percentages of counts; arguments as for `design_effect`. Sigma is in points."""
    steps = np.asarray(env_steps, np.float64)
    counted = (totals > 0).any(axis=0)
    effect, freedom, block, flag = np.ones(len(steps)), np.inf, 1, "one seed"
    if len(totals) > 1:
        found = design_effect(steps[counted], successes[:, counted], totals[:, counted], horizon)
        flag = found.flag
        if not flag:
            effect[counted] = np.where(np.isnan(found.effect), 1.0, found.effect)
            freedom, block = found.freedom, found.block
    return NoiseLevel(_never_zero(binomial_sigma(successes, totals, effect)), freedom, block, flag)


def from_standard_errors(standard_errors: npt.ArrayLike) -> NoiseLevel:
    """Noise that is known: ``[seed, K]`` standard errors of the values."""
    return NoiseLevel(_never_zero(np.array(standard_errors, np.float64)), np.inf, 1)


def from_replicates(replicates: npt.ArrayLike) -> NoiseLevel:
    """Noise of means of R replicates ``[seed, R, K]``: pooled over so many checkpoints that it is fairly sure."""
    array = np.asarray(replicates, np.float64)
    number = np.count_nonzero(~np.isnan(array), axis=1)
    many = int(number.max(initial=0))
    if many < 2:
        return NoiseLevel(np.full(array[:, 0].shape, np.nan), np.nan, 1, "one replicate")
    spread = np.where(number > 1, np.nan_to_num(array - _mean(array, number)[:, None]), 0.0)
    squares, freedom = (spread**2).sum(axis=1), np.maximum(number - 1, 0)
    block = min(int(np.ceil(_FREEDOM / (many - 1))), array.shape[-1])
    pooled, sure = _moving_sum(squares, block), _moving_sum(freedom.astype(float), block)
    variance = np.where(sure > 0, pooled / np.where(sure > 0, sure, 1), np.nan)
    sigma = np.sqrt(variance / np.where(number > 0, number, np.nan))
    return NoiseLevel(_never_zero(sigma), float((many - 1) * block), block)


def estimated(env_steps: npt.ArrayLike, curves: npt.ArrayLike) -> NoiseLevel:
    """Noise from the curves ``[seed, K]`` themselves; see the module for what is taken for granted.

    Returns:
        Sigma NaN and a flag with fewer than `MIN_CHECKPOINTS` values of every seed.
    """
    steps, values = np.asarray(env_steps, np.float64), np.asarray(curves, np.float64)
    if np.isfinite(values).sum(axis=-1).max(initial=0) < MIN_CHECKPOINTS:
        return NoiseLevel(np.full(values.shape, np.nan), np.nan, 1, f"fewer than {MIN_CHECKPOINTS} checkpoints")
    before = (steps[2:] - steps[1:-1]) / (steps[2:] - steps[:-2])
    bend = bends(values, before) / np.sqrt(1 + before**2 + (1 - before) ** 2)
    usable = np.isfinite(bend)
    seeds = usable.sum(axis=0)
    shared = len(values) > 1
    own = less_common(bend, usable) if shared else np.where(usable, bend, 0.0)
    squares = own**2 * np.where(seeds > 1, seeds / np.maximum(seeds - 1, 1), 1.0)
    number = usable.sum(axis=1, keepdims=True)
    level = squares.sum(axis=1, keepdims=True) / np.maximum(number, 1)
    course = _course(squares, level, usable) if shared else np.ones(values.shape[1])
    sigma = np.where(number > 0, np.sqrt(level * course), np.nan)
    freedom = max(float(np.median(number[number > 0])) / _LOST, 1.0)
    return NoiseLevel(_never_zero(sigma), freedom, values.shape[1])


def _course(squares: Floats, level: Floats, usable: npt.NDArray[np.bool_]) -> Floats:
    """``[K]`` how the variance goes over time, the same for all seeds, of mean 1 over the inner checkpoints."""
    relative = np.where(usable & (level > 0), squares / np.where(level > 0, level, 1), 0.0).sum(axis=0)
    number = (usable & (level > 0)).sum(axis=0).astype(float)
    width = min(max(int(np.ceil(_POOLED / len(squares))), 3), len(relative))
    sums, counts = _moving_sum(relative, width), _moving_sum(number, width)
    course = np.where(counts > 0, sums / np.where(counts > 0, counts, 1), 1.0)
    return np.concatenate([course[:1], course, course[-1:]])


def _never_zero(sigma: Floats) -> Floats:
    """A value of no spread is next to exact, and takes part in tests like any other."""
    known = sigma[np.isfinite(sigma)]
    return np.maximum(sigma, _EXACT * known.max(initial=0.0)) if len(known) else sigma


def _mean(array: Floats, number: npt.NDArray[np.int64]) -> Floats:
    """Mean over replicates ``[seed, K]``, NaN left out."""
    return np.asarray(np.nansum(array, axis=1) / np.maximum(number, 1))


def _moving_sum(values: Floats, width: int) -> Floats:
    """Sum over so many neighbours along the last axis, fewer at the ends."""
    before = (width - 1) // 2
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(before + 1, width - 1 - before)])
    total = padded.cumsum(axis=-1)
    return np.asarray(total[..., width:] - total[..., :-width])
