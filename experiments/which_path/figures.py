"""The figures of the study, a function each, from one market's condensed runs; None where a part is missing."""

from __future__ import annotations

from matplotlib.figure import Figure

from momentum_jax.analysis.figures.forest import Group, plot_forest
from momentum_jax.analysis.figures.responses import Doses, plot_responses
from momentum_jax.analysis.pages.blocks.page_figures import seed_curves
from momentum_jax.analysis.pages.blocks.situation_tables import situation_curves
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.analysis.report.formatting import without_few_seeds

from . import mediation, tables
from .arms import UNCHANGED_TO
from .claims import TRIM_COST
from .graph import draw

_CURVES = {"p_hold": "exact P(HOLD) %"}
_PATHS = {
    "tune2": "tune2",
    "trim": "no false cost",
    "gradient_flat_only": "A: flat decisions",
    "two_towers": "A: two towers",
    "gradient_position_only_entropy": "B: positions",
    "gradient_position_only": "B, no bonus if flat",
}
_BOTH = {arm: _PATHS[arm] for arm in ("tune2", "gradient_position_only", "two_towers")}
_CHAIN = {
    "no_stop": "no forced stop",
    "stop_reward_0": "no reward of the stop",
    "trims_illegal": "no trims",
    "trim": "no false cost",
    "yoked_stop": "stops at drawn times",
    "trims_frozen": "trims not chosen",
}


def graph(market: Market) -> Figure | None:
    """The chain from a purchase to P(HOLD | flat), and what is left of the dip without each link."""
    return draw(tables.declared(market), f"{market.name}: what is left of the dip without each link")


def paths(market: Market) -> Figure | None:
    """Every seed of tune2, without the false cost, and of either path alone, two arms of each."""
    return seed_curves(tables.everything(market), _PATHS, _CURVES, f"{market.name}: one path alone")


def chain(market: Market) -> Figure | None:
    """Every seed of the arms in which a link from the purchase to the stop is removed."""
    return seed_curves(tables.everything(market), _CHAIN, _CURVES, f"{market.name}: a link removed")


def both_situations(market: Market) -> Figure | None:
    """P(HOLD | flat) and P(HOLD | position) side by side, and how far each update moves the policy in both."""
    return situation_curves(tables.everything(market), _BOTH, f"{market.name}: while flat and in a position")


def around_peak(market: Market) -> Figure | None:
    """P(HOLD | flat) and P(HOLD | position), churn and divergence around each seed's peak of P(HOLD | flat)."""
    ds = tables.everything(market)
    if ds is None:
        return None
    return situation_curves(ds, _BOTH, f"{market.name}: around the peak", tables.peaks(market, ds, _BOTH))


def shares(market: Market) -> Figure | None:
    """The share of tune2's rise to 5 000 steps that is left in each arm."""
    table = mediation.mediation(market)
    if table.empty:
        return None
    rows = without_few_seeds(table[table["of"] == "tune2"])
    names = {"share_5k": "estimate", "share_5k_low": "low", "share_5k_high": "high"}
    rows = rows.assign(label=rows["removed"] + " (" + rows["arm"] + ")").rename(columns=names)
    label = "share of tune2's rise to 5 000 steps, simultaneous intervals"
    return plot_forest([Group("removed", rows[["label", *names.values()]])], label, f"{market.name}: what is left")


def doses(market: Market) -> Figure | None:
    """The depth against the size of the stop's reward, and against the share of the cost that a trim takes off."""
    panels = [
        Doses(ladder, {ladder: by_dose}, UNCHANGED_TO if ladder == TRIM_COST else None)
        for ladder, by_dose in tables.dosed(market).items()
    ]
    if not panels:
        return None
    return plot_responses(panels, "depth to 10 000 steps, points of exact P(HOLD)", f"{market.name}: doses")
