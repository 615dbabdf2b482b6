"""Tables of one market's condensed runs, a function each: every arm by itself, the controls, what the trap does."""

from __future__ import annotations

import json
import re
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.dips.evidence import noise_table
from momentum_jax.analysis.dips.noise import judge_against_control
from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.inference.variance import stream_shares
from momentum_jax.analysis.metrics.curves import failed_steps
from momentum_jax.analysis.study.market import REFERENCE, TRAP_MENDED, Market
from momentum_jax.env.momentum_diagnostics import STRONG_SCORE

_STREAM_PARTS = ("streams", "random_episodes")
_WINDOWS = (0, 5_000, 10_000, 25_000, 50_000, 100_000)
_SETUP_ARMS = (
    ("reproduction", REFERENCE),
    ("main_causes", TRAP_MENDED),
    ("switches", "put_setup"),
    ("rest", "trim+put_setup"),
    ("main_causes", "mended"),
)
_TRAP_ARMS = (REFERENCE, TRAP_MENDED, "mended")
_TRAINED = re.compile(r"trained ([\d,]+) environment steps in ([\d.]+) s")


def depths(market: Market) -> pd.DataFrame:
    """Every arm by itself: how deep, how many seeds dip, and the change from 5 000 to 10 000 steps."""
    rows = []
    for outcome in market.outcomes:
        known = outcome.depth[~np.isnan(outcome.depth)]
        share = wilson_interval(int(reaches(known, market.threshold).sum()), len(known))
        row: dict[str, Any] = {"part": outcome.part, "arm": outcome.arm, "seeds": len(known)}
        row |= ends("depth", mean_interval(known))
        row |= ends("temporary_depth", mean_interval(outcome.temporary_depth))
        row |= ends("seeds_that_dip_pct", _percent(share))
        row |= ends("change_5k_to_10k", mean_interval(outcome.landmark))
        row |= ends("windowed_depth", mean_interval(outcome.windowed_depth))
        peaks = outcome.peak_step[~np.isnan(outcome.peak_step)] / 1_000
        quartiles = np.quantile(peaks, [0.5, 0.25, 0.75]) if len(peaks) else np.full(3, np.nan)
        row |= dict(zip(("peak_ksteps_median", "peak_ksteps_q25", "peak_ksteps_q75"), quartiles, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


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


def noise(market: Market) -> pd.DataFrame:
    """Windowed falls of tune2, with the trap and without it, against what sampling noise makes."""
    if market.main is None:
        return pd.DataFrame()
    return noise_table(
        market.main.sel(arm=[arm for arm in (REFERENCE, TRAP_MENDED) if arm in market.main["arm"].values])
    )


def streams(market: Market) -> pd.DataFrame:
    """Shares of the variance of depth by random stream; first-order and total, for each pick-freeze design."""
    rows: list[dict[str, Any]] = []
    for part in (part for part in _STREAM_PARTS if part in market.parts):
        redrawn = {arm["name"]: tuple(arm["redrawn_streams"]) for arm in market.arms(part)}
        every = max(redrawn.values(), key=len)
        depth = {redrawn[o.arm]: o.depth for o in market.outcomes if o.part == part}
        single = [stream for stream in every if (stream,) in depth]
        shares = stream_shares(depth[()], depth[every], np.stack([depth[(stream,)] for stream in single]))
        for stream, share in zip(single, shares, strict=True):
            row: dict[str, Any] = {"part": part, "stream": stream, "pairs": share.pairs}
            rows.append(row | ends("first", share.first) | ends("total", share.total) | {"flag": share.flags})
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
        row["seeds"] = int((buys > 0).sum())
        for name in ("trim", "forced_stop"):
            share = 100 * within[name].sum("checkpoint") / buys.where(buys > 0)
            row |= ends(f"{name}s_per_100_buys", mean_interval(share.values))
        rows.append(row)
    return pd.DataFrame(rows)


def setups(market: Market) -> pd.DataFrame:
    """How often holding is punished: flat decisions of the first 5 000 steps at a setup that the reward calls strong.

    A HOLD there costs `missed_penalty`. An arm that judges setups otherwise has another reward for holding.

    Returns:
        One row per arm, ``punished_pct``: mean over seeds of the share of flat decisions.
    """
    rows = []
    for part, arm in _SETUP_ARMS:
        ds = market.parts.get(part)
        if ds is None or arm not in ds["arm"].values:
            continue
        steps = ds["env_steps"].values
        first = ds["flat_count"].sel(arm=arm).isel(checkpoint=(steps > 0) & (steps <= _WINDOWS[1]))
        decisions = first.sum(["action", "checkpoint"])
        every = decisions.sum("setup_score")
        share = 100 * decisions.sel(setup_score=slice(STRONG_SCORE, None)).sum("setup_score") / every.where(every > 0)
        known = int((every > 0).sum())
        rows.append({"part": part, "arm": arm, "seeds": known} | ends("punished_pct", mean_interval(share.values)))
    return pd.DataFrame(rows)


def runs(market: Market) -> pd.DataFrame:
    """What was run: arms, seeds, steps and times, as the logs have them."""
    rows = []
    for part, ds in market.parts.items():
        config = json.loads(ds.attrs["config"])
        trained = [(int(n.replace(",", "")), float(s)) for n, s in _TRAINED.findall(ds.attrs["log"])]
        steps, seconds = sum(n for n, _ in trained), sum(s for _, s in trained)
        rows.append(
            {
                "part": part,
                "arms": ds.sizes["arm"],
                "seeds": ds.sizes["seed"],
                "steps": int(config["timesteps"]),
                "failed_seeds": int((failed_steps(ds) >= 0).sum()),
                "env_steps_millions": steps / 1e6,
                "seconds": seconds,
                "steps_per_second": f"{steps / seconds:,.0f}" if seconds else "",
                "git_commit": (config.get("git_commit") or "")[:10],
            }
        )
    return pd.DataFrame(rows)


def _percent(interval: Interval) -> Interval:
    return Interval(100 * interval.estimate, 100 * interval.low, 100 * interval.high, interval.flag)


def ends(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
