"""Tables of depth, arm by arm and against tune2, one function each, from one market's condensed runs."""

from __future__ import annotations

import json
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.multiplicity import adjust_by_role
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.inference.variance import stream_shares
from momentum_jax.analysis.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.noise import judge_against_control
from momentum_jax.analysis.study.market import REFERENCE, Market, Outcome, paired

DOSE_PARTS = ("dose", "reproduction", "main_causes")
_UNPAIRED_PARTS = ("calm", "trending", "choppy", "crash", "other_bars", "streams", "full")
_WINDOWS = (0, 5_000, 10_000, 25_000, 50_000, 100_000)
_TRAP_ARMS = (REFERENCE, "trim_reduces_cost", "mended")


def depths(market: Market) -> pd.DataFrame:
    """Every arm by itself: how deep, how many seeds dip, and the change from 5 000 to 10 000 steps."""
    rows = []
    for outcome in market.outcomes:
        known = outcome.depth[~np.isnan(outcome.depth)]
        share = wilson_interval(int((known >= market.threshold).sum()), len(known))
        row: dict[str, Any] = {"part": outcome.part, "arm": outcome.arm, "seeds": len(known)}
        row |= ends("depth", mean_interval(known))
        row |= ends("seeds_that_dip_pct", _percent(share))
        row |= ends("change_5k_to_10k", mean_interval(outcome.landmark))
        row |= ends("windowed_depth", mean_interval(outcome.windowed_depth))
        rows.append(row)
    return pd.DataFrame(rows)


def causes(market: Market) -> pd.DataFrame:
    """Depth of every arm less tune2's on the same seeds, exact P(HOLD).

    Returns:
        One row per arm: ``difference`` with an interval simultaneous over the arms of its role (Bonferroni), sign-flip
        ``p_value`` and ``p_adjusted_value`` (Holm for the confirmatory, Benjamini-Hochberg for the exploratory arms).
    """
    reference = market.outcome(REFERENCE, "reproduction")
    others = [o for o in market.outcomes if o.part not in _UNPAIRED_PARTS and o is not reference]
    if reference is None or not others:
        return pd.DataFrame()
    rows = []
    for outcome in others:
        family = sum(other.confirmatory == outcome.confirmatory for other in others)
        found = compare_means(*paired(outcome, reference), confidence=1 - 0.05 / family)
        row: dict[str, Any] = {
            "role": "confirmatory" if outcome.confirmatory else "exploratory",
            "part": outcome.part,
            "arm": outcome.arm,
            "pairs": found.pairs,
        }
        row |= ends("depth", mean_interval(outcome.depth))
        row |= ends("difference", found.difference)
        rows.append(row | {"p_value": found.p_value, "correlation": found.correlation})
    table = pd.DataFrame(rows)
    return table.assign(p_adjusted_value=adjust_by_role(table))


def doses(market: Market) -> pd.DataFrame:
    """Depth at each entropy bonus with the trim trap and without it, on the same seeds."""
    rows = []
    for trim, by_dose in dosed(market).items():
        for dose, values in by_dose.items():
            row: dict[str, Any] = {"trim": trim, "ent_coef": dose, "seeds": int((~np.isnan(values)).sum())}
            rows.append(row | ends("depth", mean_interval(values)))
    return pd.DataFrame(rows)


def dose_trends(market: Market) -> pd.DataFrame:
    """Change of depth for 0.01 more of the entropy bonus, with the trap and without."""
    rows = []
    for trim, by_dose in dosed(market).items():
        if len(by_dose) > 1:
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
    settings = {(part, arm["name"]): arm for part in DOSE_PARTS if part in market.parts for arm in _arms(market, part)}
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


def controls(market: Market) -> pd.DataFrame:
    """Tune2's seeds against what each control arm reaches without a reason in the rewards."""
    reference = market.outcome(REFERENCE, "reproduction")
    rows = []
    for outcome in market.outcomes if reference is not None else ():
        if outcome.part != "controls" or reference is None:
            continue
        test = judge_against_control(reference.depth, outcome.depth)
        known = reference.depth[~np.isnan(reference.depth)]
        rows.append(
            {
                "control": outcome.arm,
                "seeds": test.control_seeds,
                **ends("depth", mean_interval(outcome.depth)),
                "deepest": float(np.nanmax(outcome.depth)),
                "depth_exceeded_in_5_pct": test.threshold,
                "tune2_seeds_beyond": int((known > test.threshold).sum()),
                "of": len(known),
            }
        )
    return pd.DataFrame(rows)


def streams(market: Market) -> pd.DataFrame:
    """Shares of the variance of depth by random stream; first-order and total."""
    if "streams" not in market.parts:
        return pd.DataFrame()
    redrawn = {arm["name"]: tuple(arm["redrawn_streams"]) for arm in _arms(market, "streams")}
    every = max(redrawn.values(), key=len)
    depth = {redrawn[o.arm]: o.depth for o in market.outcomes if o.part == "streams"}
    single = [stream for stream in every if (stream,) in depth]
    shares = stream_shares(depth[()], depth[every], np.stack([depth[(stream,)] for stream in single]))
    return pd.DataFrame(
        [
            {"stream": stream, "pairs": share.pairs, **ends("first", share.first), **ends("total", share.total)}
            | {"flag": share.flag}
            for stream, share in zip(single, shares, strict=True)
        ]
    )


def elsewhere(market: Market) -> pd.DataFrame:
    """Depth with the trap less that without, on the same seeds, in every part that has both."""
    rows = []
    pairs = (("tune2", "trim_reduces_cost"), ("envs_4", "envs_4_trim"))
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


def mechanism(market: Market) -> pd.DataFrame:
    """What the trap does: trims and forced stops per 100 flat buys, in the windows that were published.

    Returns:
        One row per arm and window, means over seeds with 95 % intervals.
    """
    ds = market.main
    if ds is None:
        return pd.DataFrame()
    steps, rows = ds["env_steps"].values, []
    windows = [pair for pair in pairwise(_WINDOWS) if pair[1] in steps]
    for arm, (start, end) in product([arm for arm in _TRAP_ARMS if arm in ds["arm"].values], windows):
        within = ds.sel(arm=arm).isel(checkpoint=(steps > start) & (steps <= end))
        buys = within["flat_count"].sel(action=["BUY_CALL", "BUY_PUT"]).sum(["setup_score", "action", "checkpoint"])
        row: dict[str, Any] = {"arm": arm, "from_step": start, "to_step": end}
        for name in ("trim", "forced_stop"):
            share = 100 * within[name].sum("checkpoint") / buys.where(buys > 0)
            row |= ends(f"{name}s_per_100_buys", mean_interval(share.values))
        rows.append(row)
    return pd.DataFrame(rows)


def _arms(market: Market, part: str) -> list[dict[str, Any]]:
    return json.loads(market.parts[part].attrs["config"])["arms"]


def _percent(interval: Interval) -> Interval:
    return Interval(100 * interval.estimate, 100 * interval.low, 100 * interval.high, interval.flag)


def ends(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
