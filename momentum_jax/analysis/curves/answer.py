"""The answer in one sentence, whose words stay inside the intervals.

The statements that have a verdict (how many seeds dip, and each difference of two arms) share the level (Bonferroni),
as those of a report's summary do. Below `few_seeds.MIN_SEEDS` seeds it gives numbers and no verdict; one curve says
nothing of how many seeds dip.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.comparison import arm_pair, compared
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.population import rows_of
from momentum_jax.analysis.curves.written_numbers import points_of
from momentum_jax.analysis.dips.noise import chance_of_so_many
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import direction
from momentum_jax.analysis.report.formatting import compact, format_percent
from momentum_jax.analysis.report.verdict_words import interval_in_words, share_in_words

_MOST_COMPARED = 2
_SAID = ("horizon", "threshold", "noise")  # choices of which the sentence says that they were derived
_NOISE = {
    "counts": "the noise of their counts",
    "standard_errors": "their standard errors explain",
    "replicates": "the noise of their replicates",
    "estimated": "their estimated noise",
}


def answer(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> str:
    """One sentence on the reference arm, with up to two other arms against it.

    Args:
        curves: of all arms.
        choices: what counts.
        seeds: as `seed_table` returns it.
    """
    others = [arm for arm in curves.arms if arm != choices.reference][:_MOST_COMPARED]
    own = rows_of(seeds, choices.reference)
    if own.empty:
        return f"No seed of {choices.reference} has two values {_until(choices)}, so nothing can be said."
    confidence = shared_confidence(1 + len(others), choices.alpha)
    parts = [_one_curve(own, curves, choices) if len(own) == 1 else _prevalence(own, curves, choices, confidence)]
    if enough(len(own)):
        parts.append(_depth(own, curves, choices.level))
    parts += [_difference(curves, choices, seeds, arm, confidence) for arm in others]
    derived = [name for name in _SAID if any(sentence.startswith(f"no {name} ") for sentence in choices.derived)]
    if derived:
        parts.append(f"not given, so derived: {', '.join(derived)}")
    return "; ".join(parts) + "."


def _until(choices: Choices) -> str:
    until = choices.horizon.words
    return f"within {until}" if until.startswith("the first") else f"by {until}"


def _fall_in_words(choices: Choices) -> str:
    """What counts: ``fall by at least 5 points, and by more than their estimated noise,``."""
    if choices.noise == "exact":
        return f"{choices.worse} by {choices.threshold.words}"
    if choices.threshold.value == 0:
        return f"{choices.worse} by more than {_NOISE[choices.noise]}"
    return f"{choices.worse} by {choices.threshold.words}, and by more than {_NOISE[choices.noise]},"


def _in_arm(curves: CurveSet, choices: Choices) -> str:
    return f"in {choices.reference}, " if len(curves.arms) > 1 else ""


def _one_curve(own: pd.DataFrame, curves: CurveSet, choices: Choices) -> str:
    row = own.iloc[0]
    depth = points_of(row["depth"], curves)
    noise = ""
    if choices.noise != "exact" and np.isfinite(row["noise_floor"]):
        more = "more" if row["exceeds_noise"] else "no more"
        noise = f", {more} than the {points_of(row['noise_floor'], curves)} that its noise may make"
    return (
        f"one curve cannot say how many seeds dip: {_in_arm(curves, choices)}{curves.value_name} of seed {row['seed']} "
        f"{choices.worse}s by {depth} at most {_until(choices)}{noise}"
    ).replace("one curve", "One curve", 1)


def _prevalence(own: pd.DataFrame, curves: CurveSet, choices: Choices, confidence: float) -> str:
    number, total = int(own["is_dip"].sum()), len(own)
    what = f"{_fall_in_words(choices)} {_until(choices)}"
    front = f"{_in_arm(curves, choices)}{number} of {total} seeds".replace(
        "in ", "In ", 1 if len(curves.arms) > 1 else 0
    )
    if not enough(total):
        return f"{front} {what}: {NO_VERDICT}"
    share = wilson_interval(number, total, confidence)
    percent = Interval(100 * share.estimate, 100 * share.low, 100 * share.high)
    interval = interval_in_words(percent, confidence, ".0f")
    words = share_in_words(share, total)
    found = f"{front} ({percent.estimate:.0f} %, {interval} %: {words}) {what}"
    exceed = int(own["exceeds_noise"].sum())
    chance = chance_of_so_many(exceed, total, choices.alpha)
    if choices.noise != "exact" and number and chance > choices.alpha:
        found += f", no more seeds than chance may make (p = {chance:.2f})"
    return found


def _depth(own: pd.DataFrame, curves: CurveSet, confidence: float) -> str:
    depth = mean_interval(own["depth"], confidence)
    words = f"the mean depth of all is {points_of(depth.estimate, curves)}"
    if depth.flag:
        return f"{words} ({depth.flag})"
    # An end that is next to nothing beside the other is written as 0, not with its exponent.
    low, high = (0.0 if abs(end) < 1e-4 * abs(depth.high - depth.low) else end for end in (depth.low, depth.high))
    return f"{words} ({format_percent(confidence)} interval {compact(low)} to {compact(high)})"


def _difference(curves: CurveSet, choices: Choices, seeds: pd.DataFrame, arm: str, confidence: float) -> str:
    pair = arm_pair(seeds, arm, choices.reference)
    found = compared(pair, "depth", confidence)
    front = f"{choices.worse}s of {arm} differ in mean depth by"
    number = f"{front} {points_of(found.difference.estimate, curves, '+')}"
    kind = "the same seeds" if pair.paired else "other seeds"
    if not enough(found.pairs):
        return f"{number} on {kind}: {NO_VERDICT}"
    if found.difference.flag == "constant" and found.difference.estimate == 0:
        return f"{choices.worse}s of {arm} differ in depth in no seed"
    if found.difference.flag:
        return f"{number} on {kind}: undecided, the interval is a point ({found.difference.flag})"
    ends = f"{compact(found.difference.low, '+')} to {compact(found.difference.high, '+')}"
    words = {1: "deeper", -1: "shallower", 0: "undecided"}[direction(found.difference, found.pairs)]
    return f"{number} on {kind} ({format_percent(confidence)} interval {ends}: {words})"
