"""The answer in one short sentence, and what belongs to it in a sentence each, whose words stay inside the intervals.

The statements that have a verdict (how many seeds dip, and each difference of two arms) share the level (Bonferroni),
as those of a report's summary do. Below `few_seeds.MIN_SEEDS` seeds there are numbers and no verdict; one curve says
nothing of how many seeds dip.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.comparison import ArmPair, Compared, arm_pair, compared
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.population import dips_beyond, rows_of
from momentum_jax.analysis.curves.written_numbers import points_of
from momentum_jax.analysis.dips.noise import chance_of_so_many
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import direction
from momentum_jax.analysis.report.formatting import compact, format_percent
from momentum_jax.analysis.report.verdict_words import share_in_words, share_interval_in_words

_MOST_COMPARED = 2


def answer(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> str:
    """One sentence: how many seeds of the reference arm dip.

    Args:
        curves: of all arms.
        choices: what counts.
        seeds: as `seed_table` returns it.
    """
    own = rows_of(seeds, choices.reference)
    if own.empty:
        return f"No seed of {choices.reference} has two values {_until(choices)}, so nothing can be said."
    return (_one_curve(own, curves, choices) if len(own) == 1 else _prevalence(own, curves, choices)) + "."


def details(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> Iterator[str]:
    """What belongs to the answer, a sentence each: how deep the seeds fall, and up to two arms against the reference.

    Arguments as for `answer`.
    """
    own = rows_of(seeds, choices.reference)
    if enough(len(own)):
        yield _depth(own, curves, choices) + "."
    if not own.empty:
        for arm in _others(curves, choices):
            yield _difference(curves, choices, seeds, arm) + "."


def _others(curves: CurveSet, choices: Choices) -> list[str]:
    """The arms that are compared with the reference."""
    return [arm for arm in curves.arms if arm != choices.reference][:_MOST_COMPARED]


def _confidence(curves: CurveSet, choices: Choices) -> float:
    return shared_confidence(1 + len(_others(curves, choices)), choices.alpha)


def _until(choices: Choices) -> str:
    until = choices.horizon.words.partition(" (")[0]
    return f"within {until}" if until.startswith("the first") else f"by {until}"


def _one_curve(own: pd.DataFrame, curves: CurveSet, choices: Choices) -> str:
    row = own.iloc[0]
    in_arm = f"in {choices.reference}, " if len(curves.arms) > 1 else ""
    noise = ""
    if not row["judged"]:
        noise = ", and nothing says how much of it its noise may make"
    elif choices.noise != "exact" and np.isfinite(row["noise_floor"]):
        more = "more" if row["exceeds_noise"] else "no more"
        noise = f", {more} than the {points_of(row['noise_floor'], curves)} that its noise may make"
    return (
        f"One curve cannot say how many seeds dip: {in_arm}{curves.value_name} of seed {row['seed']} "
        f"{choices.worse}s by {points_of(row['depth'], curves)} at most {_until(choices)}{noise}"
    )


def _prevalence(own: pd.DataFrame, curves: CurveSet, choices: Choices) -> str:
    judged = own[own["judged"]]  # seeds whose noise nothing tells are no evidence either way
    number, total = int(judged["is_dip"].sum()), len(judged)
    known = " whose noise is known" if total < len(own) else ""
    in_arm = f"In {choices.reference}, " if len(curves.arms) > 1 else ""
    if not total:
        return f"{in_arm}no seed's noise is known, so that none can be said to dip or not {_until(choices)}: no verdict"
    if not enough(total):
        return f"{in_arm}{number} of {total} seeds{known} dip {_until(choices)}: {NO_VERDICT}"
    confidence = _confidence(curves, choices)
    share = wilson_interval(number, total, confidence)
    percent = f"{100 * share.estimate:.0f} %, {share_interval_in_words(share, confidence)}"
    words = share_in_words(share, total)
    found = f"{in_arm}{number} of {total} seeds{known} ({percent}) dip {_until(choices)}"
    if choices.threshold.outlier:
        # Single values that make the range must not decide what counts.
        other = dips_beyond(judged, choices.threshold.without)
        if share_in_words(wilson_interval(other, total, confidence), total) != words:
            outliers = choices.threshold.outliers
            make, them = ("one value makes", "it") if outliers == 1 else (f"{outliers} single values make", "them")
            return f"{found}: no verdict, for {make} the range and without {them} {other} seeds dip"
    if choices.noise == "estimated" and choices.threshold.value > 0:
        # Estimated noise may be dips itself: what it hides must not decide that few seeds dip.
        most = wilson_interval(int(judged["reaches_threshold"].sum()), total, confidence)
        at_most = share_in_words(share._replace(high=most.high), total)
        if at_most != words:
            return f"{found}: {at_most}, for as many as {most.estimate * total:.0f} fall as far, by dips or by noise"
    found += f": {words}"
    exceed = int(judged["exceeds_noise"].sum())
    chance = chance_of_so_many(exceed, total, choices.alpha)
    if choices.noise != "exact" and number and chance > choices.alpha:
        found += f", and no more than chance may make (p = {chance:.2f})"
    return found


def _depth(own: pd.DataFrame, curves: CurveSet, choices: Choices) -> str:
    depth = mean_interval(own["depth"], choices.level)
    in_arm = f" of {choices.reference}" if len(curves.arms) > 1 else ""
    words = f"The mean depth of all seeds{in_arm}, dip or not, is {points_of(depth.estimate, curves)}"
    if depth.flag:
        return f"{words} ({depth.flag})"
    # An end that is next to nothing beside the other is written as 0, not with its exponent.
    low, high = (0.0 if abs(end) < 1e-4 * abs(depth.high - depth.low) else end for end in (depth.low, depth.high))
    return f"{words} ({format_percent(choices.level)} interval {compact(low)} to {compact(high)})"


def _difference(curves: CurveSet, choices: Choices, seeds: pd.DataFrame, arm: str) -> str:
    confidence, pair = _confidence(curves, choices), arm_pair(seeds, arm, choices.reference)
    found = compared(pair, "depth", confidence)
    front = f"{choices.worse.capitalize()}s of {arm} differ from those of {choices.reference} in mean depth by"
    number = f"{front} {points_of(found.difference.estimate, curves, '+')}"
    kind = "the same seeds" if pair.paired else "other seeds"
    if not enough(found.pairs):
        return f"{number} on {kind}: {NO_VERDICT}"
    if found.difference.flag == "constant" and found.difference.estimate == 0:
        return f"{choices.worse.capitalize()}s of {arm} differ from those of {choices.reference} in depth in no seed"
    if found.difference.flag:
        return f"{number} on {kind}: undecided, the interval is a point ({found.difference.flag})"
    ends = f"{compact(found.difference.low, '+')} to {compact(found.difference.high, '+')}"
    words = _side(found, confidence, choices, pair)
    return f"{number} on {kind} ({format_percent(confidence)} interval {ends}): {words}"


def _side(found: Compared, confidence: float, choices: Choices, pair: ArmPair) -> str:
    """Whether the arm falls deeper, where the interval, the permutation test and the noise of its falls allow it."""
    side = direction(found.difference, found.pairs)
    if not side:
        return "undecided"
    if found.p_value > 1 - confidence:  # few seeds make a bootstrap interval too narrow, and so do rare falls
        return f"undecided, for a permutation test gives p = {found.p_value:.2g}"
    deeper = pair.arm if side > 0 else pair.reference
    judged = deeper[deeper["judged"]]
    if choices.noise != "exact" and judged.empty:
        return "undecided, for the noise of the deeper arm is not known"
    chance = chance_of_so_many(int(judged["exceeds_noise"].sum()), len(judged), choices.alpha)
    if choices.noise != "exact" and not chance <= choices.alpha:
        return f"undecided, for the {choices.worse}s of the deeper arm are no more than its noise may make"
    return "deeper" if side > 0 else "shallower"
