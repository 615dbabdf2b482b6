"""Arms against each other on the same seeds, from one market's condensed runs: causes, doses, other bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.level import LEVEL, shared_confidence
from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference
from momentum_jax.analysis.inference.multiplicity import adjust_by_role
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.study.market import REFERENCE, TRAP_MENDED, Market, Outcome, paired
from momentum_jax.analysis.study.tables import ends

DOSE_PARTS = ("dose", "reproduction", "main_causes")
# Parts whose arms differ from tune2's on the same market in one thing.
CAUSE_PARTS = (
    "reproduction",
    "main_causes",
    "controls",
    "dose",
    "switches",
    "rewards",
    "learner",
    "ladders",
    "several_envs",
    "vix_previous",
)
REST_PART = "rest"
_TRIM_WORDS = {"trap": "trap", "mended": "fixed"}
SMALLEST_CHANGE = 1.0  # of depth, points; a difference within it is called none


def causes(market: Market) -> pd.DataFrame:
    """Depth of every arm less tune2's on the same seeds; columns as in `_against`."""
    return _against(market, market.outcome(REFERENCE, "reproduction"), CAUSE_PARTS)


def rest(market: Market) -> pd.DataFrame:
    """Depth with the trim fixed and one more switch changed, less that with the trim alone; columns of `_against`."""
    return _against(market, market.outcome(TRAP_MENDED, "main_causes"), (REST_PART,))


def _against(market: Market, reference: Outcome | None, parts: Sequence[str]) -> pd.DataFrame:
    """Paired differences of depth, exact P(HOLD).

    Returns:
        One row per arm: ``difference`` with an interval simultaneous over the arms of its role (Bonferroni), sign-flip
        ``p_value`` and ``p_adjusted`` (Holm for the confirmatory, Benjamini-Hochberg for the exploratory arms).
    """
    others = [o for o in market.outcomes if o.part in parts and o is not reference]
    if reference is None or not others:
        return pd.DataFrame()
    rows = []
    for outcome in others:
        family = sum(other.confirmatory == outcome.confirmatory for other in others)
        found = compare_means(*paired(outcome, reference), confidence=shared_confidence(family))
        row: dict[str, Any] = {
            "role": "confirmatory" if outcome.confirmatory else "exploratory",
            "part": outcome.part,
            "arm": outcome.arm,
            "pairs": found.pairs,
        }
        row |= ends("depth", mean_interval(outcome.depth)) | ends("difference", found.difference)
        rows.append(row | {"p_value": found.p_value, "correlation": found.correlation})
    table = pd.DataFrame(rows)
    return table.assign(p_adjusted=adjust_by_role(table))


def undecided(market: Market) -> pd.DataFrame:
    """Arms whose difference from tune2 may be 0 and may be more than a point, and how large a new study has to be.

    Returns:
        One row per arm of `causes` whose interval holds 0 and reaches beyond ±1 point. A new study of
        ``seeds_of_a_new_study`` pairs, none of them of this one, finds a difference of one point with 80 % power at
        the level of `causes`. It is not a number to fill up to: see docs/statistics.md, "Looking again".
    """
    table = causes(market)
    if table.empty:
        return table
    low, high = table["difference_low"], table["difference_high"]
    open_ones = table[(low <= 0) & (high >= 0) & (np.maximum(-low, high) > SMALLEST_CHANGE)]
    reference = market.outcome(REFERENCE, "reproduction")
    rows = []
    for row in open_ones.to_dict("records"):
        outcome = market.outcome(row["arm"], row["part"])
        if outcome is None or reference is None:
            continue
        a, b = paired(outcome, reference)
        # The paired formula with no correlation left: the spread of the differences themselves.
        spread, level = float(np.nanstd(a - b, ddof=1) / np.sqrt(2)), LEVEL / (table["role"] == row["role"]).sum()
        needed = seeds_for_mean_difference(SMALLEST_CHANGE, spread, 0.0, alpha=level)
        names = ("role", "part", "arm", "pairs", "difference", "difference_low", "difference_high")
        rows.append({name: row[name] for name in names} | {"seeds_of_a_new_study": needed})
    return pd.DataFrame(rows)


def doses(market: Market) -> pd.DataFrame:
    """Depth at each entropy bonus with the trim trap and without it, on the same seeds."""
    rows = []
    for trim, by_dose in dosed(market).items():
        for dose, values in by_dose.items():
            row: dict[str, Any] = {"trim": _TRIM_WORDS[trim], "ent_coef": dose, "seeds": int((~np.isnan(values)).sum())}
            rows.append(row | ends("depth", mean_interval(values)))
    return pd.DataFrame(rows)


def dose_trends(market: Market) -> pd.DataFrame:
    """Change of depth for 0.01 more of the entropy bonus, with the trap, without it, and the difference of the two."""
    by_trim = {_TRIM_WORDS[trim]: by_dose for trim, by_dose in dosed(market).items() if len(by_dose) > 1}
    if len(by_trim) > 1:
        trapped, fixed = by_trim.values()
        both = sorted(trapped.keys() & fixed.keys())
        by_trim["trap less fixed"] = {dose: trapped[dose] - fixed[dose] for dose in both}
    rows = []
    for trim, by_dose in by_trim.items():
        trend = dose_trend([100 * dose for dose in by_dose], np.stack(list(by_dose.values())))
        row: dict[str, Any] = {"trim": trim, "doses": len(by_dose), "seeds": trend.seeds}
        row |= ends("points_per_0.01", trend.slope)
        rows.append(row | {"p_value": trend.p_value, "page_p_value": trend.page_p_value})
    return pd.DataFrame(rows)


def dosed(market: Market) -> dict[str, dict[float, np.ndarray]]:
    """Depths ``[seed]`` by trim (trap or mended) and ent_coef, over the seeds that all of these arms have."""
    found: dict[str, dict[float, Outcome]] = {"trap": {}, "mended": {}}
    reference = market.outcome(REFERENCE, "reproduction")
    if reference is None:
        return {}
    settings = {(part, arm["name"]): arm for part in DOSE_PARTS if part in market.parts for arm in market.arms(part)}
    own = settings["reproduction", REFERENCE]
    for (part, name), arm in settings.items():
        trim, dose = arm["env"]["trim_reduces_cost"], arm["ppo"]["ent_coef"]
        expected = {
            **own,
            "name": name,
            "env": own["env"] | {"trim_reduces_cost": trim},
            "ppo": own["ppo"] | {"ent_coef": dose},
        }
        outcome = market.outcome(name, part)
        if arm == expected and outcome is not None:
            found["mended" if trim else "trap"][dose] = outcome
    every = [outcome for by_dose in found.values() for outcome in by_dose.values()]
    common = np.array(sorted(set.intersection(*(set(o.seeds.tolist()) for o in every))), np.int64)
    return {
        trim: {dose: o.depth[np.searchsorted(o.seeds, common)] for dose, o in sorted(by_dose.items())}
        for trim, by_dose in found.items()
        if by_dose
    }


def elsewhere(market: Market) -> pd.DataFrame:
    """Depth with the trap less that without, on the same seeds, in every part that has both."""
    rows = []
    pairs = ((REFERENCE, TRAP_MENDED), ("envs_4", "envs_4_trim"))
    for part, (trapped, mended) in ((part, pair) for part in market.parts for pair in pairs):
        with_trap, without = market.outcome(trapped, part), market.outcome(mended, part)
        if part == "reproduction":
            without = market.outcome(mended, "main_causes")
        if with_trap is None or without is None:
            continue
        found = compare_means(*paired(with_trap, without))
        rows.append(
            {
                "part": part,
                "pairs": found.pairs,
                **ends("depth_with_trap", mean_interval(with_trap.depth)),
                **ends("depth_without", mean_interval(without.depth)),
                **ends("difference", found.difference),
                "p_value": found.p_value,
            }
        )
    return pd.DataFrame(rows)
