"""How many seeds a new study of two means needs, and the smallest difference that one of a given size finds.

The tests are those that decide: sign flips of pairs, and for different seeds the permutation of the two arms. With n
pairs the smallest p value is 2 / 2^n, so that fewer than six decide nothing at 5 %, whatever the difference. Four
different seeds an arm could reach it, but no verdict is given on fewer than six (`few_seeds`), so that no smaller
number is promised either. Up to two and a half times the fewest that decide, power is simulated with normal seeds and
the test itself: Student's t promises too much there (at a level of 0.05 / 40 and 14 pairs 80 % for 62). Beyond, where
the two agree within two points, it is that of t (Cohen 1988, Statistical Power Analysis, ch. 2).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.analysis.inference.paired import ALL_SIGNS, SIGN_DRAWS

MAX_SEEDS = 4_096
_ALL_PARTINGS = 7  # seeds an arm up to which every parting is tried; 3 432 ways to part 14
_SIMULATED = 1_000  # studies for each power
_FAR_FROM_FEWEST = 2.5  # times the fewest that decide

Ways = npt.NDArray[np.float32]


def smallest_mean_difference(
    spread: float, num_seeds: int, correlation: float | None = None, power: float = 0.8, alpha: float = LEVEL
) -> float:
    """Smallest mean difference between two arms that this many seeds find with the asked-for power.

    Args:
        spread: standard deviation over seeds within an arm, in the outcome's unit.
        num_seeds: seeds of each arm, at least 2.
        correlation: between arms over common seeds; None for different seeds.
        power: chance to find it.
        alpha: two-sided level.

    Returns:
        The difference; infinite where so few seeds decide nothing at this level, or are given no verdict.

    Raises:
        ValueError: fewer than 2 seeds.
    """
    if num_seeds < 2:
        raise ValueError(f"{num_seeds} seed(s), expected at least 2")
    effect = _smallest_effect(num_seeds, correlation is not None, power, alpha)
    if np.isinf(effect):
        return np.inf
    return spread * effect * (1.0 if correlation is None else float(np.sqrt(2 * (1 - correlation))))


def seeds_for_mean_difference(
    difference: float, spread: float, correlation: float | None = None, power: float = 0.8, alpha: float = LEVEL
) -> int | None:
    """Fewest seeds per arm, at least six, that find a mean difference with the asked-for power; None above 4 096.

    Args:
        difference: between the arms' means, in the outcome's unit; its sign does not matter.
        spread: as in `smallest_mean_difference`, like the rest.
        correlation: between arms over common seeds; None for different seeds.
        power: chance to find it.
        alpha: two-sided level.
    """

    def enough(num_seeds: int) -> bool:
        return smallest_mean_difference(spread, num_seeds, correlation, power, alpha) <= abs(difference)

    low, high = 1, MAX_SEEDS
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def fewest_that_decide(paired: bool, alpha: float = LEVEL) -> int | None:
    """Seeds of each arm below which the test cannot reach the level, whatever the data; None where none can."""
    number = 2
    while _smallest_p(number, paired) > alpha * (1 + 1e-12):
        number += 1
        if number > MAX_SEEDS:
            return None
    return number


def _smallest_p(num_seeds: int, paired: bool) -> float:
    """Two-sided p value of the clearest data that there can be."""
    if num_seeds > ALL_SIGNS:  # random ways, and the data's own
        return 1 / (SIGN_DRAWS + 1)
    return 2 / (2**num_seeds if paired else math.comb(2 * num_seeds, num_seeds))


@functools.lru_cache(maxsize=1_024)
def _smallest_effect(num_seeds: int, paired: bool, power: float, alpha: float) -> float:
    """The standardised difference that reaches the power."""
    fewest = fewest_that_decide(paired, alpha)
    if fewest is None or num_seeds < max(fewest, MIN_SEEDS):
        return np.inf
    student = _found_at(_power_of_t(num_seeds, paired, alpha), power)
    if num_seeds > _FAR_FROM_FEWEST * fewest:
        return student
    return max(student, _found_at(_simulated_power(num_seeds, paired, alpha), power))


def _power_of_t(num_seeds: int, paired: bool, alpha: float) -> Callable[[float], float]:
    """Power of Student's t by the standardised difference."""
    test = TTestPower() if paired else TTestIndPower()
    freedom, each = (num_seeds - 1, num_seeds) if paired else (2 * num_seeds - 2, num_seeds / 2)
    critical = float(stats.t.isf(alpha / 2, freedom))

    def power_of(size: float) -> float:
        # The tail on the other side is left out: beyond 50 % power it is next to nothing, and SciPy's comes out as NaN.
        found = float(test.power(size, num_seeds, alpha / 2, alternative="larger"))
        if not math.isnan(found):
            return found
        # SciPy's noncentral t has no value here and there; Abramowitz and Stegun (1964), 26.7.10.
        far = critical * (1 - 1 / (4 * freedom)) - size * math.sqrt(each)
        return float(stats.norm.sf(far / math.sqrt(1 + critical**2 / (2 * freedom))))

    return power_of


def _found_at(power_of: Callable[[float], float], power: float) -> float:
    """Where the power is reached; statsmodels' own search misses it at small levels."""
    highest = 1.0
    while power_of(highest) < power:
        highest *= 2
    return float(optimize.brentq(lambda size: power_of(size) - power, 0.0, highest, xtol=1e-3))


def _simulated_power(num_seeds: int, paired: bool, alpha: float) -> Callable[[float], float]:
    """Power of the test by the standardised difference, over simulated normal studies, the same at each."""
    rng = np.random.default_rng(0)
    ways = _flips(num_seeds, rng) if paired else _partings(num_seeds, rng)
    sums = ways @ rng.standard_normal((ways.shape[1], _SIMULATED)).astype(np.float32)
    # What a difference of 1 adds to each sum.
    moved = ways @ (np.arange(ways.shape[1]) < num_seeds).astype(np.float32)
    allowed = math.floor(alpha * len(ways) * (1 + 1e-12))

    def power_of(size: float) -> float:
        seen = np.abs(sums + np.float32(size) * moved[:, None])
        as_far = (seen >= seen[0] * (1 - 1e-5)).sum(axis=0)
        return float((as_far <= allowed).mean())

    return power_of


def _flips(num_pairs: int, rng: np.random.Generator) -> Ways:
    """Signs ``[way, pair]``, the data's own first: all (of opposite ones the first), or as many as the test draws."""
    if num_pairs <= ALL_SIGNS:
        rest = itertools.product((1.0, -1.0), repeat=num_pairs - 1)
        return np.array([(1.0, *signs) for signs in rest], np.float32)
    drawn = 1.0 - 2.0 * rng.integers(2, size=(SIGN_DRAWS, num_pairs))
    return np.vstack([np.ones(num_pairs), drawn]).astype(np.float32)


def _partings(num_seeds: int, rng: np.random.Generator) -> Ways:
    """Signs ``[way, seed of either arm]`` by the arm a seed is put into, otherwise as `_flips`."""
    own = np.repeat([1.0, -1.0], num_seeds).astype(np.float32)
    if num_seeds > _ALL_PARTINGS:
        drawn = rng.permuted(np.tile(own, (SIGN_DRAWS, 1)), axis=1)
        return np.vstack([own, drawn])
    first = np.array(list(itertools.combinations(range(1, 2 * num_seeds), num_seeds - 1)))
    signs = -np.ones((len(first), 2 * num_seeds), np.float32)
    signs[:, 0] = 1.0
    np.put_along_axis(signs, first, 1.0, axis=1)
    return signs
