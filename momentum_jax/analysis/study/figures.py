"""The figures of a study's page, one function each, from one market's condensed runs; None where a part is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.forest import Group, plot_forest
from momentum_jax.analysis.figures.primary_metric import plot_primary
from momentum_jax.analysis.figures.responses import plot_responses, plot_shares
from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.metrics.curves import derive_curves
from momentum_jax.analysis.report.formatting import without_few_seeds
from momentum_jax.analysis.study import comparisons, tables
from momentum_jax.analysis.study.market import REFERENCE, TRAP_MENDED, Market

FULL_PART = "full"
_STORY = {
    REFERENCE: "tune2 as published",
    TRAP_MENDED: "without the trim trap",
    "mended": "all switches changed",
    "permuted_rewards": "rewards permuted",
}
_PUBLISHED = {arm: arm for arm in (REFERENCE, "baseline", "tune1", "tune3")}
_METRICS = {"p_hold": "exact P(HOLD) %", "hold_pct": "windowed HOLD %"}
_HEADINGS = {
    "reproduction": "published settings",
    "main_causes": "the trim, all switches",
    "controls": "controls",
    "dose": "entropy bonus",
    "switches": "one fault switch changed",
    "rewards": "one reward term at zero",
    "learner": "options of the learner",
    "ladders": "discount and step size",
    "several_envs": "four environments",
    "vix_previous": "data",
    "rest": "trim fixed and one more switch",
}


def story(market: Market) -> Figure | None:
    """Every seed of tune2, without the trim trap, with every fault switch changed, and with permuted rewards."""
    return _curves(market, _STORY, "HOLD in four arms")


def published_runs(market: Market) -> Figure | None:
    """Every seed of the published settings."""
    return _curves(market, _PUBLISHED, "the published settings")


def _curves(market: Market, labels: Mapping[str, str], title: str) -> Figure | None:
    """The main arms that `labels` has words for."""
    if market.main is None:
        return None
    arms = [arm for arm in labels if arm in market.main["arm"].values]
    curves = derive_curves(market.main.sel(arm=arms))
    columns = [labels[arm] for arm in arms]
    metrics = {
        label: dict(zip(columns, curves[name].transpose("arm", "seed", "checkpoint").values, strict=True))
        for name, label in _METRICS.items()
    }
    title = f"{market.name}, {market.main.sizes['seed']} seeds: {title}"
    return plot_curves(market.main["env_steps"].values, metrics, title)


def full(market: Market) -> Figure | None:
    """Every seed of the long run."""
    ds: xr.Dataset | None = market.joined([FULL_PART])
    return None if ds is None else plot_primary(ds.assign_attrs(experiment=f"{market.name}, {FULL_PART}"))


def causes(market: Market) -> Figure | None:
    """Paired differences of depth against tune2."""
    label = "depth less tune2's on the same seeds, points of exact P(HOLD)"
    return _forest(comparisons.causes(market), label, f"{market.name}: depth of each arm against tune2")


def rest(market: Market) -> Figure | None:
    """Paired differences of depth against the arm without the trap."""
    label = "depth less that with the trim alone fixed, points"
    return _forest(comparisons.rest(market), label, f"{market.name}: the trim fixed and one more switch changed")


def _forest(table: pd.DataFrame, label: str, title: str) -> Figure | None:
    if table.empty:
        return None
    groups = []
    shown = without_few_seeds(table)
    label += "; simultaneous 95 % intervals" if shown["difference_low"].notna().any() else ""
    for part, rows in shown.groupby("part", sort=False):
        ends = {"arm": "label", "difference": "estimate", "difference_low": "low", "difference_high": "high"}
        groups.append(Group(_HEADINGS.get(str(part), str(part)), rows.rename(columns=ends)[list(ends.values())]))
    return plot_forest(groups, label, title)


def dose(market: Market) -> Figure | None:
    """Depth against the entropy bonus, with the trim trap and without it."""
    lines = {{"trap": "trim trap", "mended": "trim fixed"}[key]: by for key, by in comparisons.dosed(market).items()}
    if not lines:
        return None
    return plot_responses(
        lines, "ent_coef", "depth, points of exact P(HOLD)", f"{market.name}: dose of the entropy bonus"
    )


def controls(market: Market) -> Figure | None:
    """Depths of tune2 and of the controls, which have no reason in the rewards."""
    arms = [o for o in market.outcomes if o.part == "controls" or (o.part, o.arm) == ("reproduction", REFERENCE)]
    if len(arms) < 2:
        return None
    metrics = {
        "exact P(HOLD)": {o.arm: o.depth for o in arms},
        "windowed HOLD %": {o.arm: o.windowed_depth for o in arms},
    }
    return plot_depths(metrics, market.threshold, f"{market.name}: tune2 and the controls")


def streams(market: Market) -> Figure | None:
    """Shares of the variance of depth by random stream."""
    return _shares(market, "streams", "variance of depth by random stream")


def random_episodes(market: Market) -> Figure | None:
    """Shares of the variance of depth by random stream where each episode plays a segment drawn at random."""
    return _shares(market, "random_episodes", "variance of depth by random stream, episodes drawn at random")


def _shares(market: Market, part: str, title: str) -> Figure | None:
    table: pd.DataFrame = tables.streams(market)
    found = table[table["part"] == part] if len(table) else table
    return None if found.empty else plot_shares(without_few_seeds(found), f"{market.name}: {title}")


ALL: dict[str, Callable[[Market], Figure | None]] = {
    "story": story,
    "published_runs": published_runs,
    "full": full,
    "causes": causes,
    "rest": rest,
    "dose": dose,
    "controls": controls,
    "streams": streams,
    "random_episodes": random_episodes,
}
