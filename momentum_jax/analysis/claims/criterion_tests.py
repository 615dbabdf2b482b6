"""What the seeds say of one criterion: the number's interval, and the decision by the test that the criterion names.

- *interval*: the whole interval decides, see `inference.verdict`; of a depth it allows for seeds unlike those that were
  drawn (see `claim_intervals`).
- *equivalence*: each limit has a one-sided test of its own, so that an interval of 90 % decides in place of one of 95 %
  (two one-sided tests: Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). It is the BCa interval of
  the seeds that were drawn, of depths too: an interval that allows for unlike seeds is wider than any useful margin.
- *trend*: Page's test over arms in the order of a dose, seeds as blocks (see `inference.dose`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.claims.claim_intervals import (
    cannot_vary,
    depth_interval,
    level_interval,
    share_interval,
    without_spread,
)
from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.verdict import NOT_TESTED, Decision, MeanTest, Verdict, decide, mean_test
from momentum_jax.config.declared_claims import Criterion

Floats = npt.NDArray[np.float64]


class Compared(NamedTuple):
    """A criterion and the run's arms that it is of."""

    run: RunNumbers
    criterion: Criterion
    arm: str  # as the run calls it
    others: tuple[str, ...]  # the rest of `Criterion.arms`, likewise


class Tested(NamedTuple):
    """The number over seeds, and what it decides."""

    interval: Interval
    seeds: int  # that have the number
    confidence: float  # of the interval
    decision: Decision


def tested(compared: Compared, counted: str, confidence: float) -> Tested:
    """Tests a criterion.

    Args:
        compared: the criterion and its arms.
        counted: the metric's form, in place of the criterion's own.
        confidence: one less the level of a two-sided test; each limit of an equivalence has that level to itself.
    """
    criterion = compared.criterion
    if criterion.along:
        return _trend(compared, counted, confidence)
    own_confidence = 1 - 2 * (1 - confidence) if criterion.equivalence else confidence
    interval, seeds = _interval(compared, counted, own_confidence)
    test = _mean_test_of(compared, counted, own_confidence)
    decision = decide(interval, seeds, criterion.minimum, criterion.maximum, test)
    return Tested(interval, seeds, own_confidence, decision)


def _numbers(compared: Compared, counted: str) -> tuple[Floats, Floats | None]:
    """``[seed]`` of the arm, and what is subtracted from it; None where nothing is."""
    run, criterion = compared.run, compared.criterion
    values = run.per_seed(criterion, counted, compared.arm)
    if not compared.others:
        return values, None
    return values, criterion.versus_share * run.per_seed(criterion, counted, compared.others[0])


def _interval(compared: Compared, counted: str, confidence: float) -> tuple[Interval, int]:
    """The number over seeds, and how many seeds have it."""
    run, criterion = compared.run, compared.criterion
    values, other = _numbers(compared, counted)
    if criterion.quantity == "prevalence":
        return share_interval(values, other, confidence)
    if all(cannot_vary(run.ds, name) for name in (compared.arm, *compared.others)):
        point = without_spread(values if other is None else values - other)
        if point is not None:
            return point
    if criterion.quantity != "depth" or criterion.equivalence:
        return level_interval(values, other, confidence)
    room = run.room(criterion, counted, compared.arm)
    versus_room = criterion.versus_share * run.room(criterion, counted, compared.others[0]) if compared.others else 0.0
    return depth_interval(values, room, other, versus_room, confidence)


def _mean_test_of(compared: Compared, counted: str, confidence: float) -> MeanTest:
    """Of a level or change against the one end of its range."""
    criterion = compared.criterion
    ends = [end for end in (criterion.minimum, criterion.maximum) if end is not None]
    if criterion.quantity in ("prevalence", "depth") or len(ends) != 1:
        return NOT_TESTED
    values, other = _numbers(compared, counted)
    return mean_test((values if other is None else values - other) - ends[0], confidence)


def _trend(compared: Compared, counted: str, confidence: float) -> Tested:
    """Page's test over the arms; the number is the mean slope over seeds, per arm."""
    criterion = compared.criterion
    arms = (compared.arm, *compared.others)
    outcomes = np.stack([compared.run.per_seed(criterion, counted, arm) for arm in arms])
    found = dose_trend(np.arange(len(arms)), outcomes, confidence)
    verdict, reason = Verdict.UNDECIDED, ""
    if not enough(found.seeds):
        reason = NO_VERDICT if found.seeds else "not measured"
    elif not found.page_p_value <= 1 - confidence:
        reason = f"Page's test finds no trend, p = {found.page_p_value:.2g}"
    else:
        as_claimed = found.page_rises == (criterion.minimum is not None)
        verdict = Verdict.SUPPORTED if as_claimed else Verdict.NOT_SUPPORTED
    return Tested(found.slope, found.seeds, confidence, Decision(verdict, reason))
