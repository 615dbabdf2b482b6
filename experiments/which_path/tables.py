"""The tables of the study, a function each, from one market's condensed runs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.multiverse import Choices, by_horizon, verdict_shares
from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps
from momentum_jax.analysis.pages.blocks import designed_claims
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.blocks.replication_tables import Number, Study, replications
from momentum_jax.analysis.pages.blocks.situation_tables import situation_means
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.config import Criterion, default_checkpoints
from momentum_jax.study import part_name

from . import claims, parts, yoked_rates
from .claims import FIXED_STEPS, THRESHOLD, TRIM, TUNE2, change, depth

CONFIRMATORY = tuple(part_name(part) for part in parts.CONFIRMATORY)
EVERY_PART = (*CONFIRMATORY, part_name(parts.REPLICATION_REST))
AROUND_PEAK = 3_000  # environment steps before a seed's peak, and after it
AUDITED_HORIZON = 10_240  # of the exploratory numbers that the audit keeps aside
CHOICES = Choices(horizons=(5_000, 8_000, 10_240, 25_000, 30_000), thresholds=(2.0, 5.0, 10.0), baselines=(0, 1_000))
# The first study's parts and names of the arms that both studies have.
EARLIER_PARTS = ("reproduction", "main_causes", "controls")
EARLIER_NAMES = {"trim": "trim_reduces_cost", "fixed": "mended", "permuted": "permuted_rewards"}
REPEATED = ("tune2", "tune1", "tune3", "baseline", "trim", "fixed", "learning_rate_0", "permuted")
_MOVING = (
    TUNE2,
    TRIM,
    "no_stop",
    "stop_reward_0",
    "gradient_flat_only",
    "gradient_position_only",
    "two_towers",
    "permuted",
)
_UPDATES = (1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 20, 23)
# Of the policy, and how far it moved.
_MOVES = (
    "p_hold",
    "p_hold_position",
    "p_trim_position",
    "p_exit_position",
    "churn",
    "policy_kl",
    "churn_position",
    "policy_kl_position",
)


def everything(market: Market) -> xr.Dataset | None:
    """All arms on the seeds of the study."""
    return market.joined(EVERY_PART)


@functools.lru_cache(maxsize=1)
def numbers(market: Market) -> RunNumbers:
    """The numbers of all arms, kept for the tables that are made of them."""
    ds = everything(market)
    assert ds is not None
    return RunNumbers(ds)


def interventions(market: Market) -> pd.DataFrame:
    """Every arm: what it isolates, and what it changes besides."""
    run = {str(arm) for part in market.parts.values() for arm in part["arm"].values}
    rows = [
        {"arm": one.arm.name, "isolates": one.isolates, "also_changes": one.also_changes}
        for one in parts.INTERVENTIONS
        if one.arm.name in run
    ]
    return pd.DataFrame(rows)


def effects(market: Market) -> pd.DataFrame:
    """Every arm by itself, with 95 % intervals: the change to the fixed steps, the depth, and how many seeds dip."""
    ds = everything(market)
    if ds is None:
        return pd.DataFrame()
    run, rows = numbers(market), []
    for arm in ds["arm"].values:
        own = {name: run.per_seed(criterion, "exact", arm) for name, criterion in _effects(arm).items()}
        depths = own["depth"][~np.isnan(own["depth"])]
        dips = wilson_interval(int(reaches(depths, THRESHOLD).sum()), len(depths))
        row: dict[str, Any] = {"arm": arm, "seeds": len(depths)}
        for name, values in own.items():
            row |= ends(name, mean_interval(values))
        rows.append(row | {"seeds_that_dip_pct": 100 * dips.estimate})
    return pd.DataFrame(rows)


def _effects(arm: str) -> dict[str, Criterion]:
    return {
        **{f"change_{step // 1_000}k": change(arm, step) for step in FIXED_STEPS},
        "depth": depth(arm),
        f"depth_{AUDITED_HORIZON}": depth(arm, AUDITED_HORIZON),
    }


def declared(market: Market) -> pd.DataFrame:
    """What was claimed before the first run, judged; all claims share the level of 5 % by Holm's method."""
    return designed_claims.step_down_verdicts(market, CONFIRMATORY)


@functools.lru_cache(maxsize=1)
def _cells(market: Market) -> pd.DataFrame:
    windows = {*default_checkpoints(parts.TIMESTEPS), parts.TIMESTEPS}
    return designed_claims.multiverse(market, CONFIRMATORY, CHOICES, sorted(windows))


def universes(market: Market) -> pd.DataFrame:
    """Claims in every universe, supported (+), not supported (−) or undecided (?).

    A column per horizon; in it a sign for each threshold of 2, 5 and 10 points, from each baseline.
    """
    cells = _cells(market)
    return cells if cells.empty else by_horizon(cells)


def multiverse(market: Market) -> pd.DataFrame:
    """In how many universes each claim is supported, and which choices turn it around."""
    cells = _cells(market)
    return cells if cells.empty else verdict_shares(cells)


def replication(market: Market) -> pd.DataFrame:
    """The first study's arms on new seeds, beside the interval that its own seeds predict."""
    folder = market.folder.parents[1] / market.name
    earlier = Market(folder).joined(EARLIER_PARTS) if folder.is_dir() else None
    arms = {arm: arm for arm in REPEATED}
    compared = [Number(name, criterion) for name, criterion in _replicated().items()]
    return replications(Study(earlier, arms | EARLIER_NAMES), Study(everything(market), arms), compared)


def _replicated() -> dict[str, Criterion]:
    windowed = Criterion(arm="", metric="hold_pct", counted="windowed", quantity="depth", step=25_000)
    return {
        **{f"change_{step // 1_000}k": change("", step) for step in (*FIXED_STEPS, 10_000, 25_000)},
        "depth": depth(""),
        "depth_25k": depth("", 25_000),
        "windowed_depth_25k": windowed,
    }


def churn(market: Market) -> pd.DataFrame:
    """How the policy moves in single updates around the peak, on flat states and in positions: means over seeds."""
    ds = everything(market)
    if ds is None:
        return pd.DataFrame()
    curves = derive_curves(ds)
    known = {name: curves[name] if name in curves else ds[name] for name in _MOVES if name in curves or name in ds}
    means = xr.Dataset(known).where(failed_steps(ds) < 0).mean("seed")
    means = means.sel(arm=[arm for arm in _MOVING if arm in ds["arm"].values])
    # What moved since the checkpoint before is one update's where exactly one lies between.
    updates = ds["update"].values
    single = np.isin(updates, _UPDATES) & (np.diff(updates, prepend=updates[0]) == 1)
    table = means.isel(checkpoint=single).transpose("arm", "checkpoint").reset_coords(drop=True)
    table = table.assign_coords(checkpoint=updates[single]).rename(checkpoint="update")
    return table.to_dataframe().reset_index()


def around_peak(market: Market) -> pd.DataFrame:
    """P(HOLD), churn and divergence while flat and in a position, before and after each seed's peak."""
    ds = everything(market)
    return situation_means(ds, _MOVING, {} if ds is None else peaks(market, ds, _MOVING), AROUND_PEAK)


def peaks(market: Market, ds: xr.Dataset, arms: Iterable[str]) -> dict[str, np.ndarray]:
    """``[seed]`` step at which each seed of the dataset has its peak of P(HOLD | flat), by arm; NaN without one."""
    found = {}
    for arm in arms:
        outcome = market.outcome(arm)
        if outcome is not None:
            by_seed = dict(zip(outcome.seeds.tolist(), outcome.peak_step, strict=True))
            found[arm] = np.array([by_seed.get(seed, np.nan) for seed in ds["seed"].values.tolist()])
    return found


def yoked(market: Market) -> pd.DataFrame:
    """Whether stops were yoked: their rate per step in a position, in tune2 and in its yoked seed."""
    ds = everything(market)
    if ds is None or not {TUNE2, "yoked_stop"} <= set(ds["arm"].values) or "yoked_stop" not in ds:
        return pd.DataFrame()
    early = ds.isel(checkpoint=ds["env_steps"].values <= yoked_rates.COUNTED_TO)
    flat = early["flat_count"].sum(["checkpoint", "setup_score", "action"])
    in_position = float(early["env_steps"].values[-1]) - flat
    rows = []
    for arm, event in ((TUNE2, "forced_stop"), ("yoked_stop", "yoked_stop")):
        rate = (early[event].sum("checkpoint") / in_position).sel(arm=arm).values
        row: dict[str, Any] = {"arm": arm, "to_step": int(early["env_steps"].values[-1])}
        rows.append(row | ends("stops_per_position_step_pct", mean_interval(100 * rate)))
    return pd.DataFrame(rows)


def doses(market: Market) -> pd.DataFrame:
    """The depth at each dose of the stop's reward and of the false cost."""
    rows = []
    for ladder, by_dose in dosed(market).items():
        for dose, values in by_dose.items():
            rows.append({"ladder": ladder, "dose": dose} | ends("depth", mean_interval(values)))
    return pd.DataFrame(rows)


def dosed(market: Market) -> dict[str, dict[float, np.ndarray]]:
    """Depths ``[seed]`` by ladder and dose."""
    ds = everything(market)
    if ds is None:
        return {}
    run, known = numbers(market), set(ds["arm"].values)
    ladders = {
        name: {dose: arm for dose, arm in rungs.items() if arm in known} for name, rungs in claims.LADDERS.items()
    }
    return {
        name: {dose: run.per_seed(depth(arm), "exact", arm) for dose, arm in rungs.items()}
        for name, rungs in ladders.items()
        if rungs
    }
