"""The figures of a study's page, one function each, from one market's condensed runs; None where a part is missing."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.curves import derive_curves
from momentum_jax.analysis.figures.curves import plot_curves
from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.forest import Group, plot_forest
from momentum_jax.analysis.figures.hold import plot_hold
from momentum_jax.analysis.figures.responses import plot_responses, plot_shares
from momentum_jax.analysis.study import tables
from momentum_jax.analysis.study.market import REFERENCE, Market

_STORY = (REFERENCE, "trim_reduces_cost", "mended", "permuted_rewards")
_METRICS = {"p_hold": "exact P(HOLD) %", "hold_pct": "windowed HOLD %"}
_HEADINGS = {
    "reproduction": "published settings",
    "main_causes": "main causes",
    "controls": "controls",
    "dose": "entropy bonus",
    "switches": "one fault switch mended",
    "rewards": "one reward term at zero",
    "learner": "options of the learner",
    "several_envs": "four environments",
    "vix_previous": "data",
}


def story(market: Market) -> Figure | None:
    """Every seed of tune2, without the trap, mended and with permuted rewards."""
    return _curves(market, _STORY, "what makes HOLD rise")


def published_runs(market: Market) -> Figure | None:
    """Every seed of the published settings."""
    return _curves(market, (REFERENCE, "baseline", "tune1", "tune3"), "the published settings")


def _curves(market: Market, wanted: tuple[str, ...], title: str) -> Figure | None:
    if market.main is None:
        return None
    arms = [arm for arm in wanted if arm in market.main["arm"].values]
    curves = derive_curves(market.main.sel(arm=arms))
    metrics = {
        label: dict(zip(arms, curves[name].transpose("arm", "seed", "checkpoint").values, strict=True))
        for name, label in _METRICS.items()
    }
    return plot_curves(market.main["env_steps"].values, metrics, f"{market.name}: {title}")


def full(market: Market) -> Figure | None:
    """The long run, with the published windows of tune2."""
    ds: xr.Dataset | None = market.joined(["full"])
    return None if ds is None else plot_hold(ds)


def causes(market: Market) -> Figure | None:
    """Paired differences of depth against tune2."""
    table = tables.causes(market)
    if table.empty:
        return None
    groups = []
    for part, rows in table.groupby("part", sort=False):
        ends = {"arm": "label", "difference": "estimate", "difference_low": "low", "difference_high": "high"}
        groups.append(Group(_HEADINGS.get(str(part), str(part)), rows.rename(columns=ends)[list(ends.values())]))
    label = "depth less tune2's on the same seeds, points of exact P(HOLD); simultaneous 95 % intervals"
    return plot_forest(groups, label, f"{market.name}: what changes the dip")


def dose(market: Market) -> Figure | None:
    """Depth against the entropy bonus, with the trim trap and without it."""
    lines = {{"trap": "trim trap", "mended": "trim mended"}[key]: by for key, by in tables.dosed(market).items()}
    if not lines:
        return None
    return plot_responses(
        lines, "ent_coef", "depth, points of exact P(HOLD)", f"{market.name}: dose of the entropy bonus"
    )


def controls(market: Market) -> Figure | None:
    """Depths of tune2 and of the controls against the threshold."""
    arms = [o for o in market.outcomes if o.part == "controls" or (o.part, o.arm) == ("reproduction", REFERENCE)]
    if len(arms) < 2:
        return None
    metrics = {
        "exact P(HOLD)": {o.arm: o.depth for o in arms},
        "windowed HOLD %": {o.arm: o.windowed_depth for o in arms},
    }
    return plot_depths(metrics, market.threshold, f"{market.name}: depth without a reason in the rewards")


def streams(market: Market) -> Figure | None:
    """Shares of the variance of depth by random stream."""
    table: pd.DataFrame = tables.streams(market)
    return None if table.empty else plot_shares(table, f"{market.name}: which randomness makes the depth")


ALL: dict[str, Callable[[Market], Figure | None]] = {
    "story": story,
    "published_runs": published_runs,
    "full": full,
    "causes": causes,
    "dose": dose,
    "controls": controls,
    "streams": streams,
}
