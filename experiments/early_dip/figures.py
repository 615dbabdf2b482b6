"""The figures of the study's page, a function each, from one market's condensed runs; None where a part is missing."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.primary_metric import plot_primary
from momentum_jax.analysis.figures.responses import Doses, plot_responses
from momentum_jax.analysis.pages.blocks.page_figures import depth_strips, difference_forest, seed_curves, stream_bars
from momentum_jax.analysis.pages.study_market import Market

from . import tables
from .tables import REFERENCE, TRIM_FIXED

FULL_PART = "full"
_STORY = {
    REFERENCE: "tune2 as published",
    TRIM_FIXED: "without the trim trap",
    "mended": "all switches changed",
    "permuted_rewards": "rewards permuted",
}
_PUBLISHED = {arm: arm for arm in (REFERENCE, "baseline", "tune1", "tune3")}
_CURVES = {"p_hold": "exact P(HOLD) %", "hold_pct": "windowed HOLD %"}
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


def _curves(market: Market, arms: Mapping[str, str], title: str) -> Figure | None:
    ds = tables.main_arms(market)
    seeds = 0 if ds is None else ds.sizes["seed"]
    return seed_curves(ds, arms, _CURVES, f"{market.name}, {seeds} seeds: {title}")


def full(market: Market) -> Figure | None:
    """Every seed of the long run."""
    ds: xr.Dataset | None = market.joined([FULL_PART])
    return None if ds is None else plot_primary(ds.assign_attrs(experiment=f"{market.name}, {FULL_PART}"))


def causes(market: Market) -> Figure | None:
    """Paired differences of depth against tune2."""
    label = "depth less tune2's on the same seeds, points of exact P(HOLD)"
    return difference_forest(tables.causes(market), _HEADINGS, label, f"{market.name}: depth of each arm against tune2")


def rest(market: Market) -> Figure | None:
    """Paired differences of depth against the arm without the trap."""
    label = "depth less that with the trim alone fixed, points"
    title = f"{market.name}: the trim fixed and one more switch changed"
    return difference_forest(tables.rest(market), _HEADINGS, label, title)


def dose(market: Market) -> Figure | None:
    """Depth against the entropy bonus, with the trim trap and without it."""
    lines = {f"trim {label}": by_dose for label, by_dose in tables.entropy_doses(market).items()}
    if not lines:
        return None
    title = f"{market.name}: dose of the entropy bonus"
    return plot_responses([Doses("ent_coef", lines)], "depth, points of exact P(HOLD)", title)


def controls(market: Market) -> Figure | None:
    """Depths of tune2 and of the controls, which have no reason in the rewards."""
    arms = [o for o in market.outcomes if o.part == "controls" or (o.part, o.arm) == ("reproduction", REFERENCE)]
    title = f"{market.name}: tune2 and the controls"
    return depth_strips(arms, "exact P(HOLD)", "windowed HOLD %", market.threshold, title)


def streams(market: Market) -> Figure | None:
    """Shares of the variance of depth by random stream."""
    return stream_bars(tables.streams(market), "streams", f"{market.name}: variance of depth by random stream")


def random_episodes(market: Market) -> Figure | None:
    """Shares of the variance of depth by random stream where each episode plays a segment drawn at random."""
    title = f"{market.name}: variance of depth by random stream, episodes drawn at random"
    return stream_bars(tables.streams(market), "random_episodes", title)
