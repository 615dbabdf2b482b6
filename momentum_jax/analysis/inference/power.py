"""How many seeds are needed, and the smallest effect that the run at hand could show.

Paired prevalences: exact power of McNemar's exact test (the discordant pairs are binomial, and
so is their split). Unpaired: normal approximation on the arcsine scale, as statsmodels has it
(Cohen 1988, Statistical Power Analysis, ch. 6). Means: Student's t.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower, TTestPower
from statsmodels.stats.proportion import proportion_effectsize

MAX_SEEDS = 4_096


def prevalence_power(
    arm: float, reference: float, num_seeds: int, correlation: float | None = None, alpha: float = 0.05
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
    if arm == reference:
        return alpha if correlation is None else _mcnemar_power(arm, reference, num_seeds, correlation, alpha)
    if correlation is not None:
        return _mcnemar_power(arm, reference, num_seeds, correlation, alpha)
    effect = abs(proportion_effectsize(arm, reference))
    return float(NormalIndPower().power(effect, num_seeds, alpha, ratio=1.0))


def seeds_needed(
    arm: float,
    reference: float,
    correlation: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int | None:
    """Fewest seeds per arm with the asked-for power for a difference in prevalence; None above 4 096."""
    low, high = 1, 2
    while prevalence_power(arm, reference, high, correlation, alpha) < power:
        low, high = high, 2 * high
        if high > MAX_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = prevalence_power(arm, reference, middle, correlation, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def smallest_prevalence_change(
    reference: float, num_seeds: int, correlation: float | None = None, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Smallest fall of a prevalence that this many seeds find with the asked-for power; None if not even to 0."""
    if reference <= 0 or prevalence_power(0.0, reference, num_seeds, correlation, alpha) < power:
        return None

    def missing(arm: float) -> float:
        return prevalence_power(arm, reference, num_seeds, correlation, alpha) - power

    return float(reference - optimize.brentq(missing, 0.0, reference * (1 - 1e-9), xtol=1e-4))


def smallest_mean_difference(
    spread: float, num_seeds: int, correlation: float | None = None, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Smallest mean difference between two arms that this many seeds find with the asked-for power.

    Args:
        spread: standard deviation over seeds within an arm, in the outcome's unit.
        num_seeds: seeds of each arm, at least 2.
        correlation: between arms over common seeds; None for different seeds.
        power: chance to find it.
        alpha: two-sided level.

    Raises:
        ValueError: fewer than 2 seeds.
    """
    if num_seeds < 2:
        raise ValueError(f"{num_seeds} seed(s), expected at least 2")
    test = TTestIndPower() if correlation is None else TTestPower()
    # The tail on the other side is left out: beyond 50 % power it is next to nothing, and SciPy's comes out as NaN.
    effect = _smallest_effect(lambda size: float(test.power(size, num_seeds, alpha / 2, alternative="larger")), power)
    return spread * effect * (1.0 if correlation is None else float(np.sqrt(2 * (1 - correlation))))


def _smallest_effect(power_of: Callable[[float], float], power: float) -> float:
    """The standardised difference that reaches the power; statsmodels' own search misses it at small levels."""
    highest = 1.0
    while power_of(highest) < power:
        highest *= 2
    return float(optimize.brentq(lambda size: power_of(size) - power, 0.0, highest, xtol=1e-6))


def seeds_for_mean_difference(
    difference: float, spread: float, correlation: float | None = None, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Fewest seeds per arm that find a mean difference with the asked-for power; None above 4 096.

    Args:
        difference: between the arms' means, in the outcome's unit; its sign does not matter.
        spread: as in `smallest_mean_difference`, like the rest.
        correlation: between arms over common seeds; None for different seeds.
        power: chance to find it.
        alpha: two-sided level.
    """
    low, high = 1, MAX_SEEDS
    if not smallest_mean_difference(spread, high, correlation, power, alpha) <= abs(difference):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = smallest_mean_difference(spread, middle, correlation, power, alpha) <= abs(difference)
        low, high = (low, middle) if enough else (middle, high)
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
