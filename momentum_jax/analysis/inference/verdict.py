"""The one grammar of verdicts: what an interval over seeds says of a claimed range.

A claim is supported when the whole interval lies in its range, not supported when none of it does, and undecided
otherwise. Fewer than `few_seeds.MIN_SEEDS` seeds decide nothing, and neither does an interval that is a point, unless
what it measures cannot vary.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval, is_constant

_FEW = 16  # seeds, up to which a bootstrap interval is confirmed
CANNOT_VARY = "cannot vary"  # flag of a point that is the number itself


class Verdict(StrEnum):
    """What the data say of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    UNDECIDED = "undecided"


class MeanTest(NamedTuple):
    """A t test of a mean, beside its interval."""

    p_value: float  # two-sided
    level: float  # at which it confirms, one less the interval's confidence


NOT_TESTED = MeanTest(0.0, 1.0)  # the interval decides by itself


def mean_test(differences: npt.ArrayLike, confidence: float) -> MeanTest:
    """A t test of a mean of 0, of as many seeds as have too narrow a bootstrap interval; of more the interval decides.

    Args:
        differences: ``[seed]``; NaN is left out.
        confidence: of the interval.
    """
    known = np.asarray(differences, np.float64)
    known = known[~np.isnan(known)]
    if len(known) < 2 or len(known) > _FEW or is_constant(known):
        return NOT_TESTED
    return MeanTest(float(stats.ttest_1samp(known, 0.0).pvalue), 1 - confidence)


class Decision(NamedTuple):
    """A verdict, and why it is undecided; else no reason."""

    verdict: Verdict
    reason: str


def decide(
    interval: Interval,
    seeds: int,
    minimum: float | None = None,
    maximum: float | None = None,
    tested: MeanTest = NOT_TESTED,
) -> Decision:
    """What an interval says of a number that is claimed to lie above `minimum` and at most at `maximum`.

    Args:
        interval: of the number, over seeds.
        seeds: how many seeds have it.
        minimum: end of the claimed range that does not belong to it; None for no lower end.
        maximum: end of the claimed range that does; None for no upper end.
        tested: against the end of a range that has one end: a bootstrap interval of few seeds is too narrow, and
            decides nothing that the test does not confirm.
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
        return Decision(Verdict.UNDECIDED, f"a t test of so few seeds gives p = {tested.p_value:.2g}")
    return Decision(Verdict.SUPPORTED if inside else Verdict.NOT_SUPPORTED, "")


def supports(interval: Interval, seeds: int, minimum: float | None = None, maximum: float | None = None) -> bool:
    """Whether `decide` says that a claim is supported."""
    return decide(interval, seeds, minimum, maximum).verdict == Verdict.SUPPORTED


def direction(change: Interval, seeds: int) -> int:
    """1 where the whole interval lies above 0, -1 where it lies below, 0 where neither is supported."""
    mirrored = Interval(-change.estimate, -change.high, -change.low, change.flag)
    return int(supports(change, seeds, minimum=0.0)) - int(supports(mirrored, seeds, minimum=0.0))
