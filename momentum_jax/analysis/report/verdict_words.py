"""Verdicts in words, with the numbers that decide them; of few seeds the numbers alone."""

from __future__ import annotations

from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.verdict import NOT_TESTED, MeanTest, decide, direction, supports
from momentum_jax.analysis.report.formatting import format_percent, in_sentence, with_unit

# Limits of a share of seeds, as fractions, that have a name: more than, at most.
_SHARES: tuple[tuple[float | None, float | None, str], ...] = (
    (0.9, None, "nearly every seed"),
    (0.5, None, "most seeds"),
    (None, 0.1, "hardly any seed"),
    (None, 0.5, "fewer than half of the seeds"),
)


def interval_in_words(interval: Interval, confidence: float = CONFIDENCE, unit: str = "points", sign: str = "") -> str:
    """``95 % interval 1.0 to 3.0``."""
    low, high = (in_sentence(end, unit, sign) for end in (interval.low, interval.high))
    return f"{format_percent(confidence)} interval {low} to {high}"


def share_interval_in_words(share: Interval, confidence: float = CONFIDENCE) -> str:
    """Of a fraction: ``95 % interval 10 to 35 %``."""
    return f"{format_percent(confidence)} interval {100 * share.low:.0f} to {100 * share.high:.0f} %"


def rise_in_words(
    change: Interval, seeds: int, confidence: float = CONFIDENCE, unit: str = "points", tested: MeanTest = NOT_TESTED
) -> str:
    """The verdict on the claim that a mean change is above 0.

    Args:
        change: its interval.
        seeds: how many seeds have it.
        confidence: of the interval.
        unit: of the change.
        tested: against no change, see `verdict.decide`.
    """
    if change.flag == "no seeds":
        return "undecided, the run has no healthy seed with both steps"
    number = f"mean change {with_unit(in_sentence(change.estimate, unit, '+'), unit)}"
    if not enough(seeds):
        return f"{number} in {seeds} seeds: {NO_VERDICT}"
    if change.flag:
        number += f", a point because of: {change.flag}"
    else:
        number += f", {interval_in_words(change, confidence, unit, '+')}"
    decision = decide(change, seeds, minimum=0.0, tested=tested)
    return f"**{decision.verdict}** ({number}{'; ' + decision.reason if _contradicted(change, tested) else ''})"


def direction_in_words(
    change: Interval,
    seeds: int,
    up: str,
    down: str,
    confidence: float = CONFIDENCE,
    unit: str = "points",
    tested: MeanTest = NOT_TESTED,
) -> str:
    """A change and its direction, where the interval decides one.

    Args:
        change: its interval.
        seeds: how many seeds have it.
        up: what a change above 0 is called.
        down: what a change below 0 is called.
        confidence: of the interval.
        unit: of the change.
        tested: as of `rise_in_words`.
    """
    estimate = with_unit(in_sentence(change.estimate, unit, "+"), unit)
    if not enough(seeds):
        return f"{estimate} in {seeds} seeds: {NO_VERDICT}"
    if change.flag == "constant" and change.estimate == 0:
        return f"{with_unit('0', unit)} in every seed: **no difference at all**"
    number = f"{estimate} ({interval_in_words(change, confidence, unit, '+')})"
    if change.flag:
        return f"{number}, **undecided** because the interval is a point ({change.flag})"
    if _contradicted(change, tested):
        return f"{number}: **undecided**, as {decide(change, seeds, minimum=0.0, tested=tested).reason}"
    words = {1: up, -1: down, 0: "undecided"}
    return f"{number}: **{words[direction(change, seeds)]}**"


def _contradicted(change: Interval, tested: MeanTest) -> bool:
    """Whether the interval, not a point, lies on one side of 0 and the test does not confirm it."""
    return not change.flag and (change.low > 0 or change.high <= 0) and tested.p_value > tested.level


def share_in_words(share: Interval, seeds: int) -> str:
    """A quantifier that the whole interval of a share (fractions) supports."""
    for minimum, maximum, words in _SHARES:
        if supports(share, seeds, minimum, maximum):
            return words
    return "undecided whether half of the seeds or more"
