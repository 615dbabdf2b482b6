"""Figures of a study's page that need more than one call of `analysis.figures`; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.forest import Group, plot_forest
from momentum_jax.analysis.figures.responses import plot_shares
from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.pages.study_market import Outcome
from momentum_jax.analysis.report.formatting import format_percent, without_few_seeds


def seed_curves(ds: xr.Dataset | None, arms: Mapping[str, str], curves: Mapping[str, str], title: str) -> Figure | None:
    """Every seed of these arms.

    Args:
        ds: a run; None draws nothing.
        arms: words by the arm's name; those that the run has are drawn.
        curves: words by the curve's name, as `derive_curves` names it.
        title: of the figure.
    """
    if ds is None:
        return None
    found = [arm for arm in arms if arm in ds["arm"].values]
    derived = derive_curves(ds.sel(arm=found))
    columns = [arms[arm] for arm in found]
    metrics = {
        label: dict(zip(columns, derived[name].transpose("arm", "seed", "checkpoint").values, strict=True))
        for name, label in curves.items()
    }
    return plot_curves(ds["env_steps"].values, metrics, title)


def difference_forest(table: pd.DataFrame, headings: Mapping[str, str], label: str, title: str) -> Figure | None:
    """The differences of `paired_tables.paired_depths`, a group for each part.

    Args:
        table: as `paired_depths` returns it.
        headings: words by part; a part without any has its name.
        label: of the axis.
        title: of the figure.
    """
    if table.empty:
        return None
    groups = []
    reduced = without_few_seeds(table)
    label += f"; simultaneous {format_percent(CONFIDENCE)} intervals" if reduced["difference_low"].notna().any() else ""
    for part, rows in reduced.groupby("part", sort=False):
        ends = {"arm": "label", "difference": "estimate", "difference_low": "low", "difference_high": "high"}
        groups.append(Group(headings.get(str(part), str(part)), rows.rename(columns=ends)[list(ends.values())]))
    return plot_forest(groups, label, title)


def depth_strips(outcomes: Sequence[Outcome], exact: str, windowed: str, threshold: float, title: str) -> Figure | None:
    """Depths of every seed of these arms, in the primary metric's exact and in its windowed form.

    Args:
        outcomes: at least two, else nothing is drawn.
        exact: words for the exact form.
        windowed: words for the windowed form.
        threshold: smallest depth that counts, points.
        title: of the figure.
    """
    if len(outcomes) < 2:
        return None
    metrics = {
        exact: {outcome.arm: outcome.depth for outcome in outcomes},
        windowed: {outcome.arm: outcome.windowed_depth for outcome in outcomes},
    }
    return plot_depths(metrics, threshold, title)


def stream_bars(shares: pd.DataFrame, part: str, title: str) -> Figure | None:
    """The shares of `stream_tables.shares_by_stream` of one part."""
    found = shares[shares["part"] == part] if len(shares) else shares
    return None if found.empty else plot_shares(without_few_seeds(found), title)
