"""Does an arm differ from another on the same seeds?

Arms share the random streams of their seed, so seeds are pairs. Mean differences: sign-flip
permutation test and BCa interval. Prevalences: McNemar's exact test, and the difference with
Newcombe's score interval for pairs (Newcombe 1998, Statistics in Medicine 17, 2635-2650,
method 10).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import CONFIDENCE

ALL_SIGNS = 16  # pairs up to which every flip is tried
SIGN_DRAWS = 9_999  # random flips of more pairs
_BLOCK = 4_000_000  # signs at a time


class PairedMeans(NamedTuple):
    """Arm minus reference arm over the seeds that both have."""

    pairs: int
    difference: Interval  # mean of the pairs' differences, BCa
    p_value: float  # sign-flip permutation, two-sided
    correlation: float  # between the arms over seeds; NaN where an arm is constant


class PairedShares(NamedTuple):
    """Difference in how many seeds show something, as fractions."""

    pairs: int
    only_arm: int  # seeds that show it in the arm alone
    only_reference: int
    difference: Interval  # Newcombe
    p_value: float  # McNemar, exact, two-sided
    correlation: float  # phi coefficient; NaN where an arm is constant


def compare_means(
    arm: npt.ArrayLike, reference: npt.ArrayLike, confidence: float = CONFIDENCE, seed: int = 0
) -> PairedMeans:
    """Compares a number per seed between two arms.

    Args:
        arm: ``[seed]``; a pair with a NaN is left out.
        reference: ``[seed]``, the same seeds in the same order.
        confidence: of the interval.
        seed: of the resampling's own random stream.

    Raises:
        ValueError: the arms have different numbers of seeds.
    """
    a, b = _pairs(arm, reference)
    difference = a - b
    p_value = _sign_flip(difference, seed) if len(difference) else np.nan
    size = float(np.abs([a, b]).max(initial=0.0))
    found = mean_interval(difference, confidence, seed, size)
    return PairedMeans(len(difference), found, p_value, _correlation(a, b))


def compare_shares(arm: npt.ArrayLike, reference: npt.ArrayLike, confidence: float = CONFIDENCE) -> PairedShares:
    """Compares a yes or no per seed between two arms.

    Args:
        arm: ``[seed]`` of 0, 1 or NaN (left out with its pair).
        reference: ``[seed]``, the same seeds in the same order.
        confidence: of the interval.

    Raises:
        ValueError: the arms have different numbers of seeds.
    """
    a, b = _pairs(arm, reference)
    only_a, only_b = int(((a > 0) & (b == 0)).sum()), int(((b > 0) & (a == 0)).sum())
    if not len(a):
        return PairedShares(0, 0, 0, Interval(np.nan, np.nan, np.nan, "no seeds"), np.nan, np.nan)
    p_value = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    phi = _correlation(a, b)
    share_a, share_b = (wilson_interval(int(each.sum()), len(a), confidence) for each in (a, b))
    interval = newcombe_interval(share_a, share_b, 0.0 if np.isnan(phi) else phi)
    return PairedShares(len(a), only_a, only_b, interval, float(p_value), phi)


def comparison_columns(difference: Interval, p_value: float, correlation: float, pairs: int) -> dict[str, float]:
    """A comparison of two arms as columns of a table."""
    return {
        "pairs": pairs,
        "difference": difference.estimate,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "p_value": p_value,
        "correlation": correlation,
    }


def newcombe_interval(a: Interval, b: Interval, phi: float = 0.0) -> Interval:
    """Difference of two shares from their Wilson intervals; phi is their correlation over common seeds, 0 without."""
    below_a, above_a = a.estimate - a.low, a.high - a.estimate
    below_b, above_b = b.estimate - b.low, b.high - b.estimate
    down = below_a**2 - 2 * phi * below_a * above_b + above_b**2
    up = above_a**2 - 2 * phi * above_a * below_b + below_b**2
    difference = a.estimate - b.estimate
    return Interval(difference, difference - max(down, 0) ** 0.5, difference + max(up, 0) ** 0.5)


def _pairs(arm: npt.ArrayLike, reference: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    a, b = np.asarray(arm, np.float64), np.asarray(reference, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"arms with {a.shape} and {b.shape} seeds, expected the same seeds in both")
    known = ~np.isnan(a) & ~np.isnan(b)
    return a[known], b[known]


def _sign_flip(difference: npt.NDArray[np.float64], seed: int) -> float:
    """Two-sided p value: all signs of up to 16 pairs, else random ones with the data's own counted in."""
    number, total = len(difference), difference.sum()
    least = np.abs(total) - 1e-12 * np.abs(difference).sum()  # sums that differ in their rounding alone are ties
    if number <= ALL_SIGNS:
        negative = (np.arange(2**number)[:, None] >> np.arange(number)) & 1
        return float((np.abs(total - 2 * (negative @ difference)) >= least).mean())
    rng = np.random.default_rng(seed)
    as_far, size = 1, max(_BLOCK // number, 1)
    for start in range(0, SIGN_DRAWS, size):
        negative = rng.integers(2, size=(min(size, SIGN_DRAWS - start), number), dtype=np.int8)
        as_far += int((np.abs(total - 2 * (negative.astype(np.float64) @ difference)) >= least).sum())
    return as_far / (SIGN_DRAWS + 1)


def _correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])
