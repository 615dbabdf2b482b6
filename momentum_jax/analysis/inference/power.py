"""How many seeds a new study of two prevalences needs, and the power of one of a given size.

Power is that of the exact tests that will be used. Same seeds: McNemar's exact test (the discordant pairs are
binomial, and so is their split). Different seeds: Fisher's exact test, two-sided. A number of seeds is never below
what these tests can decide, nor below the fewest that a verdict is given on (`few_seeds.MIN_SEEDS`): a study of that
size must be able to use its result. Means: see `mean_power`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.analysis.inference.mean_power import MAX_SEEDS

_LISTED = 64  # up to here every number of seeds is tried: exact power rises in a saw


def prevalence_power(
    arm: float, reference: float, num_seeds: int, correlation: float | None = None, alpha: float = LEVEL
) -> float:
    """Chance to find a difference in prevalence.

    Args:
        arm: prevalence in the arm, 0 to 1.
        reference: prevalence in the reference arm.
        num_seeds: seeds of each arm.
        correlation: phi between the arms over common seeds (brought down to what the two
            prevalences allow); None for arms with different seeds.
        alpha: two-sided level.
    """
    if correlation is None:
        return _fisher_power(arm, reference, num_seeds, alpha)
    return _mcnemar_power(arm, reference, num_seeds, correlation, alpha)


def seeds_needed(
    arm: float,
    reference: float,
    correlation: float | None = None,
    power: float = 0.8,
    alpha: float = LEVEL,
) -> int | None:
    """Seeds per arm, at least six, from which on a difference in prevalence is found with the asked-for power.

    None above 4 096.
    """

    def enough(num_seeds: int) -> bool:
        return prevalence_power(arm, reference, num_seeds, correlation, alpha) >= power

    if enough(_LISTED):
        sizes = range(_LISTED, MIN_SEEDS, -1)
        return next((number for number in sizes if not enough(number - 1)), MIN_SEEDS)
    low, high = _LISTED, 2 * _LISTED
    while not enough(high):
        low, high = high, 2 * high
        if high > MAX_SEEDS:
            return None
    return _first(enough, low, high)


def _first(enough: Callable[[int], bool], low: int, high: int) -> int:
    """The first number of seeds that is enough, between one that is not and one that is."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _mcnemar_power(arm: float, reference: float, num_seeds: int, correlation: float, alpha: float) -> float:
    both = arm * reference + correlation * np.sqrt(arm * (1 - arm) * reference * (1 - reference))
    both = min(max(both, arm + reference - 1, 0.0), arm, reference)
    only_arm, only_reference = arm - both, reference - both
    discordant = only_arm + only_reference
    if discordant <= 0:
        return 0.0
    sizes = np.arange(1, num_seeds + 1)
    # Reject while the smaller tail is at most alpha / 2: at most `limit` on the rarer side.
    limit = stats.binom.ppf(alpha / 2, sizes, 0.5)
    limit = np.where(stats.binom.cdf(limit, sizes, 0.5) > alpha / 2, limit - 1, limit)
    share = only_arm / discordant
    reject = stats.binom.cdf(limit, sizes, share) + stats.binom.sf(sizes - limit - 1, sizes, share)
    return float((stats.binom.pmf(sizes, num_seeds, discordant) * np.where(limit >= 0, reject, 0.0)).sum())


def _fisher_power(arm: float, reference: float, num_seeds: int, alpha: float) -> float:
    counts_a, counts_b = (_likely_counts(num_seeds, share) for share in (arm, reference))
    limits = _fisher_limits(num_seeds, int(counts_a[0] + counts_b[0]), int(counts_a[-1] + counts_b[-1]), alpha)
    pairs = counts_a[:, None] + counts_b
    rejected = np.minimum(counts_a[:, None], counts_b) <= limits[pairs - pairs[0, 0]]
    chance_a, chance_b = (
        stats.binom.pmf(counts, num_seeds, share) for counts, share in ((counts_a, arm), (counts_b, reference))
    )
    return float(chance_a @ rejected @ chance_b)


def _likely_counts(num_seeds: int, share: float) -> npt.NDArray[np.int64]:
    """Counts that a binomial takes: all but 1e-15 of its chance."""
    reach = 9 * math.sqrt(num_seeds * share * (1 - share)) + 9
    low, high = max(math.floor(num_seeds * share - reach), 0), min(math.ceil(num_seeds * share + reach), num_seeds)
    return np.arange(low, high + 1)


def _fisher_limits(num_seeds: int, first: int, last: int, alpha: float) -> npt.NDArray[np.int64]:
    """For each total from `first` to `last`: the greatest count of the rarer arm with which Fisher's test rejects.

    -1 where none does. With arms of the same size the hypergeometric is symmetric, so that the two-sided p value is
    twice the tail.
    """
    total = np.arange(first, last + 1)[:, None]
    reach = min(num_seeds, math.ceil(12 * math.sqrt(num_seeds / 8)) + 10)
    count = total // 2 - np.arange(reach, -1, -1)
    possible = (count >= 0) & (total - count <= num_seeds)
    taken = np.where(possible, count, 0)
    log_chance = _log_choose(num_seeds, taken) + _log_choose(num_seeds, np.where(possible, total - count, 0))
    chance = np.where(possible, np.exp(log_chance - _log_choose(2 * num_seeds, total)), 0.0)
    rejects = possible & (2 * chance.cumsum(axis=1) <= alpha * (1 + 1e-12))
    return np.where(rejects, count, -1).max(axis=1)


def _log_choose(size: int, number: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return special.gammaln(size + 1) - special.gammaln(number + 1) - special.gammaln(size - number + 1)
