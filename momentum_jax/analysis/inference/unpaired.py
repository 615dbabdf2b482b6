"""Does an arm differ from another that has other seeds?

Mean differences: permutation of the two arms and BCa interval, each arm's seeds drawn by themselves. Prevalences:
Fisher's exact test, and the difference with Newcombe's score interval (Newcombe 1998, Statistics in Medicine 17,
873-890, method 10).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.intervals import Interval, is_constant, wilson_interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.paired import SIGN_DRAWS, newcombe_interval
from momentum_jax.analysis.inference.resampling import MEAN_DRAWS, bca_bounds, draw_centres, draws_for, resample_counts

Floats = npt.NDArray[np.float64]

_BLOCK = 4_000_000  # seeds put into an arm at a time


class UnpairedComparison(NamedTuple):
    """Arm minus reference arm, over different seeds."""

    seeds: tuple[int, int]  # of the arm, of the reference
    difference: Interval
    p_value: float  # two-sided


def compare_unpaired_means(
    arm: npt.ArrayLike, reference: npt.ArrayLike, confidence: float = CONFIDENCE, seed: int = 0
) -> UnpairedComparison:
    """Compares a number per seed between two arms of different seeds.

    Args:
        arm: ``[seed]``; NaN is left out.
        reference: ``[other seed]``, likewise.
        confidence: of the interval.
        seed: of the resampling's own random stream.
    """
    a, b = _known(arm), _known(reference)
    sizes = (len(a), len(b))
    if not len(a) or not len(b):
        return UnpairedComparison(sizes, Interval(np.nan, np.nan, np.nan, "no seeds"), np.nan)
    difference = float(a.mean() - b.mean())
    if min(sizes) < 2:
        return UnpairedComparison(sizes, Interval(difference, difference, difference, "one seed"), np.nan)
    if is_constant(a) and is_constant(b):
        return UnpairedComparison(
            sizes, Interval(difference, difference, difference, "constant"), _permuted(a, b, seed)
        )
    draws = min(draws_for(number, MEAN_DRAWS) for number in sizes)
    centres = [draw_centres(each, resample_counts(len(each), draws, seed + k), "mean") for k, each in enumerate((a, b))]
    influence = np.concatenate([-_left_out(a), _left_out(b)])
    bounds = bca_bounds(centres[0] - centres[1], difference, difference + influence, confidence)
    return UnpairedComparison(sizes, Interval(difference, float(bounds.low), float(bounds.high)), _permuted(a, b, seed))


def compare_unpaired_shares(
    arm: npt.ArrayLike, reference: npt.ArrayLike, confidence: float = CONFIDENCE
) -> UnpairedComparison:
    """Compares a yes or no per seed (1, 0 or NaN) between two arms of different seeds; arguments as above."""
    a, b = _known(arm), _known(reference)
    if not len(a) or not len(b):
        return UnpairedComparison((len(a), len(b)), Interval(np.nan, np.nan, np.nan, "no seeds"), np.nan)
    yes = int(a.sum()), int(b.sum())
    shares = [wilson_interval(k, len(each), confidence) for k, each in zip(yes, (a, b), strict=True)]
    table = np.array([[yes[0], len(a) - yes[0]], [yes[1], len(b) - yes[1]]])
    p_value = float(stats.fisher_exact(table).pvalue)
    return UnpairedComparison((len(a), len(b)), newcombe_interval(shares[0], shares[1]), p_value)


def _known(values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    return array[~np.isnan(array)]


def _left_out(values: Floats) -> Floats:
    """How far the mean moves down when each seed is left out, times what makes both arms' influences comparable."""
    return (values - values.mean()) / (len(values) - 1)


def _permuted(a: Floats, b: Floats, seed: int) -> float:
    """Two-sided p value of the difference of means over random partings, the data's own counted in."""
    pooled = np.concatenate([a, b])
    pooled = pooled - pooled.mean()
    least = abs(pooled[: len(a)].sum()) - 1e-12 * np.abs(pooled).sum()  # differences in rounding alone are ties
    rng = np.random.default_rng(seed)
    as_far, size = 1, max(_BLOCK // len(pooled), 1)
    for start in range(0, SIGN_DRAWS, size):
        order = rng.permuted(np.tile(np.arange(len(pooled)), (min(size, SIGN_DRAWS - start), 1)), axis=1)
        as_far += int((np.abs(pooled[order[:, : len(a)]].sum(axis=1)) >= least).sum())
    return as_far / (SIGN_DRAWS + 1)
