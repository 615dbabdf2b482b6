"""The one grammar of verdicts: what an interval over seeds says of a claimed range.

A claim is supported when the whole interval lies in its range, not supported when none of it does, and undecided
otherwise. Fewer than `few_seeds.MIN_SEEDS` seeds decide nothing, and neither does an interval that is a point, unless
what it measures cannot vary.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval

CANNOT_VARY = "cannot vary"  # flag of a point that is the number itself


class Verdict(StrEnum):
    """What the data say of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    UNDECIDED = "undecided"


class PermutationTest(NamedTuple):
    """A permutation test beside an interval."""

    p_value: float  # two-sided
    level: float  # at which it confirms, one less the interval's confidence


NOT_TESTED = PermutationTest(0.0, 1.0)  # the interval decides by itself


class Decision(NamedTuple):
    """A verdict, and why it is undecided; else no reason."""

    verdict: Verdict
    reason: str


def decide(
    interval: Interval,
    seeds: int,
    minimum: float | None = None,
    maximum: float | None = None,
    tested: PermutationTest = NOT_TESTED,
) -> Decision:
    """What an interval says of a number that is claimed to lie above `minimum` and at most at `maximum`.

    Args:
        interval: of the number, over seeds.
        seeds: how many seeds have it.
        minimum: end of the claimed range that does not belong to it; None for no lower end.
        maximum: end of the claimed range that does; None for no upper end.
        tested: a permutation test against the end of a range that has one end: a bootstrap interval of few seeds is
            too narrow, and decides nothing that the test does not confirm.
    """
    if not seeds or np.isnan(interval.estimate):
        return Decision(Verdict.UNDECIDED, "not measured")
    if not enough(seeds):
        return Decision(Verdict.UNDECIDED, NO_VERDICT)
    if interval.flag not in ("", CANNOT_VARY):
        return Decision(Verdict.UNDECIDED, f"the interval is a point ({interval.flag})")
    low, high = -np.inf if minimum is None else minimum, np.inf if maximum is None else maximum
    inside, outside = interval.low > low and interval.high <= high, interval.high <= low or interval.low > high
    if not inside and not outside:
        return Decision(Verdict.UNDECIDED, "the interval holds an end of the claimed range")
    if tested.p_value > tested.level and not interval.flag:
        return Decision(Verdict.UNDECIDED, f"a permutation test of so few seeds gives p = {tested.p_value:.2g}")
    return Decision(Verdict.SUPPORTED if inside else Verdict.NOT_SUPPORTED, "")


def supports(interval: Interval, seeds: int, minimum: float | None = None, maximum: float | None = None) -> bool:
    """Whether `decide` says that a claim is supported."""
    return decide(interval, seeds, minimum, maximum).verdict == Verdict.SUPPORTED


def direction(change: Interval, seeds: int, tested: PermutationTest = NOT_TESTED) -> int:
    """1 where the whole interval lies above 0, -1 where it lies below, 0 where neither is supported.

    Args:
        change: its interval.
        seeds: how many seeds have it.
        tested: against 0.
    """
    mirrored = Interval(-change.estimate, -change.high, -change.low, change.flag)
    above, below = (decide(each, seeds, minimum=0.0, tested=tested) for each in (change, mirrored))
    return int(above.verdict == Verdict.SUPPORTED) - int(below.verdict == Verdict.SUPPORTED)
