"""The table that the study is for: each link removed or alone, its estimates, margins and verdicts; and controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.criterion_tests import Compared, tested
from momentum_jax.analysis.dips.noise import judge_against_control
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import Interval, mean_interval, statistic_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.pages.blocks import designed_claims
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market

from . import claims, tables
from .claims import FIXED_STEPS, PERMUTED, TRIM, TUNE2, change, depth

Floats = npt.NDArray[np.float64]


class Link(NamedTuple):
    """A row of the table: what is removed in an arm, and the claims that are made of it."""

    removed: str
    arm: str
    none_left: str = ""  # the claim that no dip is left
    half_left: str = ""  # the claim that more than half is left
    dose: str = ""
    reference: str = TUNE2
    control: str = PERMUTED


LINKS = (
    Link("false cost", TRIM, "false_cost_necessary", "false_cost_not_necessary", "dose_of_false_cost"),
    Link("forced stop", "no_stop", "stop_necessary", "stop_not_necessary"),
    Link(
        "reward of the stop",
        "stop_reward_0",
        "stop_reward_necessary",
        "stop_reward_not_necessary",
        "dose_of_stop_reward",
    ),
    Link("trims", "trims_illegal", "trims_necessary", "trims_not_necessary"),
    Link("path A", "gradient_position_only", "A_necessary", "B_enough"),
    Link("path A, entropy bonus kept", "gradient_position_only_entropy"),
    Link("path B", "gradient_flat_only", "B_necessary", "A_enough"),
    Link("path B", "two_towers", "B_necessary_two_towers", "A_enough_two_towers"),
    Link("contingency of the stop", "yoked_stop", "contingency_necessary", "punishment_enough"),
    Link("choice of trims", "trims_frozen", half_left="choice_not_necessary"),
    *(
        Link(f"rest of the dip: {removed}", f"trim+{arm}", none_left, half_left, "", TRIM, "permuted_trim")
        for removed, arm, none_left, half_left in (
            ("the penalty's size", "missed_double", "rest_is_size", ""),
            ("put_setup", "put_setup", "", ""),
            ("put_setup, the penalty's size kept", "put_setup+missed_half", "", "rest_is_not_put_setup"),
            ("trims", "trims_illegal", "", "rest_is_not_trims"),
        )
    ),
)
# Each arm with the control that was made in its own environment.
OWN_CONTROLS = {TUNE2: PERMUTED, TRIM: "permuted_trim", "fixed": "permuted_fixed"}


def mediation(market: Market) -> pd.DataFrame:
    """Each link: what is left of the dip without it, against the margins that were declared, and the verdicts.

    Changes and the depth less the control's have intervals of 90 % that are simultaneous over the claims, as a claim
    of no dip has; the margin of these is 2 points. Shares of the reference arm's rise have 95 % ones, simultaneous
    too; the margin is a half.
    """
    ds = tables.everything(market)
    if ds is None:
        return pd.DataFrame()
    judged = designed_claims.judgements(market, tables.CONFIRMATORY)
    verdicts = {found.claim.name: found.verdict.value for found in judged}
    confidence = shared_confidence(max(sum(bool(found.findings) for found in judged), 1))
    run, known = tables.numbers(market), set(ds["arm"].values)
    return pd.DataFrame([_row(run, link, verdicts, confidence) for link in LINKS if _is_there(link, known)])


def _is_there(link: Link, arms: set[str]) -> bool:
    return {link.arm, link.reference, link.control} <= arms


def _row(run: RunNumbers, link: Link, verdicts: Mapping[str, str], confidence: float) -> dict[str, Any]:
    row: dict[str, Any] = {"removed": link.removed, "arm": link.arm, "less": link.control, "of": link.reference}
    names = (*(f"change_{step // 1_000}k" for step in FIXED_STEPS), "depth_less_control")
    for name, criterion in zip(names, claims.no_dip(link.arm, link.control), strict=True):
        others = criterion.arms[1:]
        row |= ends(name, tested(Compared(run, criterion, link.arm, others), "exact", confidence).interval)
    shares = {f"share_{step // 1_000}k": change("", step) for step in FIXED_STEPS} | {"share_depth": depth("")}
    for name, criterion in shares.items():
        values, whole = (run.per_seed(criterion, "exact", arm) for arm in (link.arm, link.reference))
        row |= ends(name, _share(values, whole, confidence))
    for column, claim in (("no_dip", link.none_left), ("half", link.half_left), ("dose", link.dose)):
        row[column] = verdicts.get(claim, "undecided") if claim else "not claimed"
    return row


def _share(values: Floats, whole: Floats, confidence: float) -> Interval:
    """Mean over seeds of one arm by that of another, seeds drawn in pairs."""
    known = ~np.isnan(values) & ~np.isnan(whole)
    if not enough(int(known.sum())):
        return Interval(float(values[known].mean() / whole[known].mean()), np.nan, np.nan)
    pairs = (values[known], whole[known])
    return statistic_interval(pairs, lambda a, b: a.mean(axis=-1) / b.mean(axis=-1), confidence)


def own_controls(market: Market) -> pd.DataFrame:
    """Arms against what is reached without a reason in the rewards, in each one's own environment.

    The difference from the control is of the same seeds, with a 95 % interval; beyond are the seeds that lie above what
    a new seed of the control exceeds with 5 %.
    """
    ds = tables.everything(market)
    if ds is None:
        return pd.DataFrame()
    run, known, rows = tables.numbers(market), set(ds["arm"].values), []
    numbers = {f"change_{step // 1_000}k": change("", step) for step in FIXED_STEPS} | {"depth": depth("")}
    for arm, control in ((arm, control) for arm, control in OWN_CONTROLS.items() if {arm, control} <= known):
        for name, criterion in numbers.items():
            values, wander = (run.per_seed(criterion, "exact", one) for one in (arm, control))
            test = judge_against_control(values, wander)
            row: dict[str, Any] = {"arm": arm, "control": control, "number": name}
            row |= ends("of_arm", mean_interval(values)) | ends("of_control", mean_interval(wander))
            row |= ends("difference", compare_means(values, wander).difference)
            beyond = np.nan if np.isnan(test.threshold) else int((values > test.threshold).sum())
            rows.append(row | {"exceeded_in_5_pct": test.threshold, "seeds_beyond": beyond, "seeds": len(values)})
    return pd.DataFrame(rows)
