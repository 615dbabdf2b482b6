"""How noisy the values of a curve are: from counts, standard errors or replicates.

Each source gives a standard deviation of every value and how sure it is, and `noise.judge_against_null` needs no more.
What each takes for granted:

- counts: decisions or episodes of a window; their resemblance is a design effect, estimated over seeds
  (`design_effect`). With one seed, or fewer than three windows, they are taken to be independent.
- standard errors: known, and errors of different checkpoints independent. Common random numbers at all checkpoints make
  a fall clearer than these errors say.
- replicates: independent, with a variance that is alike in neighbouring checkpoints; the fewer replicates, the more.
- estimated: see `noise_estimate`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.design_effect import binomial_sigma, design_effect

Floats = npt.NDArray[np.float64]

_FREEDOM = 16  # degrees of freedom wanted of replicates
_LEAST_FREEDOM = 4  # with fewer, errors of the noise are so large that hardly any fall exceeds it: that judges nothing
TOO_FEW_REPLICATES = f"replicates of fewer than {_LEAST_FREEDOM} degrees of freedom in any seed"
_EXACT = 1e-6  # of the largest standard deviation; what is smaller is taken for this


class NoiseLevel(NamedTuple):
    """Noise of an arm's curves."""

    sigma: Floats  # [seed, K] standard deviation of each value; NaN where it is not known
    freedom: Floats | float  # degrees of freedom of its estimate, [seed] or of all; infinite where it is known
    block: npt.NDArray[np.int64] | int  # checkpoints in a row that share an estimate, [seed] or of all
    flag: str = ""  # what had to be taken for granted beyond what the module says
    correlation: float = 0.0  # of neighbouring checkpoints' errors
    tails: float = np.inf  # degrees of freedom of Student's t that the errors have; infinite of normal ones


def from_counts(env_steps: npt.ArrayLike, successes: Floats, totals: Floats, horizon: float) -> NoiseLevel:
    """Noise of percentages of counts; arguments as for `design_effect`. Sigma is in points."""
    steps = np.asarray(env_steps, np.float64)
    successes, totals = np.nan_to_num(successes), np.nan_to_num(totals)
    counted = (totals > 0).any(axis=0)
    effect, freedom, block, flag = np.ones(len(steps)), np.inf, 1, "one seed"
    if len(totals) > 1:
        found = design_effect(steps[counted], successes[:, counted], totals[:, counted], horizon)
        flag = found.flag
        if not flag:
            effect[counted] = np.where(np.isnan(found.effect), 1.0, found.effect)
            freedom, block = found.freedom, found.block
    return NoiseLevel(never_zero(binomial_sigma(successes, totals, effect)), freedom, block, flag)


def from_standard_errors(standard_errors: npt.ArrayLike) -> NoiseLevel:
    """Noise that is known: ``[seed, K]`` standard errors of the values."""
    return NoiseLevel(never_zero(np.array(standard_errors, np.float64)), np.inf, 1)


def from_replicates(replicates: npt.ArrayLike) -> NoiseLevel:
    """Noise of means of up to R replicates ``[seed, R, K]``, NaN where there are fewer.

    The variance of a value is pooled over as many neighbouring checkpoints as make `_FREEDOM` degrees of freedom: two
    episodes alone tell the error of their mean to no better than its half or its double. Each seed has the fewest
    degrees of freedom of any of its values, and the most checkpoints that share an estimate: how often one seed was
    measured says nothing of the others. The noise of a seed with less than `_LEAST_FREEDOM` in all is not known.
    """
    array = np.asarray(replicates, np.float64)
    number = np.count_nonzero(~np.isnan(array), axis=1)
    if int(number.max(initial=0)) < 2:
        return NoiseLevel(np.full(array[:, 0].shape, np.nan), np.nan, 1, "one replicate")
    spread = np.where((number > 1)[:, None], np.nan_to_num(array - _mean(array, number)[:, None]), 0.0)
    squares, freedom = (spread**2).sum(axis=1), np.maximum(number - 1, 0).astype(float)
    variance, sure, width = _pooled(squares, freedom)
    sigma = np.sqrt(variance / np.where(number > 0, number, np.nan))
    sigma[sure < _LEAST_FREEDOM] = np.nan
    known = ~np.isnan(sigma)
    some = known.any(axis=-1)
    fewest = np.where(some, np.where(known, sure, np.inf).min(axis=-1), np.nan)
    widest = np.where(known, width, 1).max(axis=-1)
    return NoiseLevel(never_zero(sigma), fewest, widest, "" if some.any() else TOO_FEW_REPLICATES)


def _pooled(squares: Floats, freedom: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Variances ``[seed, K]`` over the fewest neighbouring checkpoints that have `_FREEDOM` degrees of freedom, or all.

    Returns:
        The variance at each checkpoint, its degrees of freedom, and the number of checkpoints that it is pooled over.
    """
    variance, sure = np.full((2, *squares.shape), np.nan)
    width, longest = np.zeros(squares.shape, np.int64), squares.shape[-1]
    too_few = freedom.sum(axis=-1, keepdims=True) < _FREEDOM
    for wide in range(1, longest + 1):
        unsettled = (width == 0) & (~too_few | (wide == longest))
        if unsettled.any():
            there = _sum_around(freedom, wide)
            now = unsettled & ((there >= _FREEDOM) | (wide == longest))
            variance[now] = (_sum_around(squares, wide) / np.where(there > 0, there, np.nan))[now]
            sure[now], width[now] = there[now], wide
    return variance, sure, width


def _sum_around(values: Floats, width: int) -> Floats:
    """Sum over so many neighbours along the last axis; at the ends over as many, which lie to one side."""
    size = values.shape[-1]
    first = np.clip(np.arange(size) - (width - 1) // 2, 0, size - width)
    total = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(1, 0)]).cumsum(axis=-1)
    return np.asarray(total[..., first + width] - total[..., first])


def never_zero(sigma: Floats) -> Floats:
    """A value of no spread is next to exact, and takes part in tests like any other."""
    known = sigma[np.isfinite(sigma)]
    return np.maximum(sigma, _EXACT * known.max(initial=0.0)) if len(known) else sigma


def _mean(array: Floats, number: npt.NDArray[np.int64]) -> Floats:
    """Mean over replicates ``[seed, K]``, NaN left out."""
    return np.asarray(np.nansum(array, axis=1) / np.maximum(number, 1))


def moving_sum(values: Floats, width: int) -> Floats:
    """Sum over so many neighbours along the last axis, fewer at the ends."""
    before = (width - 1) // 2
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(before + 1, width - 1 - before)])
    total = padded.cumsum(axis=-1)
    return np.asarray(total[..., width:] - total[..., :-width])
