"""How noisy the values of a curve are: from counts, standard errors or replicates.

Each source gives a standard deviation of every value and how sure it is, and `noise.judge_against_null` needs no more.
What each takes for granted:

- counts: decisions or episodes of a window; their resemblance is a design effect, estimated over seeds
  (`design_effect`). With one seed, or fewer than three windows, they are taken to be independent.
- standard errors: known, and errors of different checkpoints independent. Common random numbers at all checkpoints make
  a fall clearer than these errors say.
- replicates: independent, with a variance that is alike in a few neighbouring checkpoints.
- estimated: see `noise_estimate`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.design_effect import binomial_sigma, design_effect

Floats = npt.NDArray[np.float64]

_FREEDOM = 16  # degrees of freedom wanted of replicates
_EXACT = 1e-6  # of the largest standard deviation; what is smaller is taken for this


class NoiseLevel(NamedTuple):
    """Noise of an arm's curves."""

    sigma: Floats  # [seed, K] standard deviation of each value; NaN where it is not known
    freedom: float  # degrees of freedom of its estimate; infinite where it is known
    block: int  # checkpoints in a row that share an estimate
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
    """Noise of means of R replicates ``[seed, R, K]``: pooled over so many checkpoints that it is fairly sure."""
    array = np.asarray(replicates, np.float64)
    number = np.count_nonzero(~np.isnan(array), axis=1)
    many = int(number.max(initial=0))
    if many < 2:
        return NoiseLevel(np.full(array[:, 0].shape, np.nan), np.nan, 1, "one replicate")
    spread = np.where((number > 1)[:, None], np.nan_to_num(array - _mean(array, number)[:, None]), 0.0)
    squares, freedom = (spread**2).sum(axis=1), np.maximum(number - 1, 0)
    block = min(int(np.ceil(_FREEDOM / (many - 1))), array.shape[-1])
    pooled, sure = moving_sum(squares, block), moving_sum(freedom.astype(float), block)
    variance = np.where(sure > 0, pooled / np.where(sure > 0, sure, 1), np.nan)
    sigma = np.sqrt(variance / np.where(number > 0, number, np.nan))
    return NoiseLevel(never_zero(sigma), float((many - 1) * block), block)


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
