"""The primary metric of every seed with the published points over it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from momentum_jax.analysis.claims.published_arms import PublishedArm, published_arms
from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps
from momentum_jax.analysis.metrics.metric_curves import Curve, curves_of
from momentum_jax.run_directory import diagnostics_of


def plot_primary(ds: xr.Dataset) -> Figure:
    """The primary metric as it was counted above its exact form (where it has one), one column per arm.

    Every seed and the median of the first six arms are drawn. The published windows of a run lie over the windowed row
    of the arm that they belong to, on the market that they belong to: a bar spans the window that the value was
    counted over, the marker stands at its end.

    Args:
        ds: a loaded run.
    """
    arms = [str(arm) for arm in ds["arm"].values[: canvas.MAX_ARMS]]
    diagnostics, curves, env_steps = diagnostics_of(ds), derive_curves(ds), ds["env_steps"].values
    forms = curves_of(diagnostics.metric(diagnostics.primary))
    rows = [forms[counted] for counted in ("windowed", "exact", "evaluated") if counted in forms]
    columns = min(len(arms), canvas.COLUMNS)
    bands = -(-len(arms) // canvas.COLUMNS)
    figure = canvas.new_figure(max(4.0 * columns, 6.5), 2.6 * len(rows) * bands + 0.9)
    axes = figure.subplots(len(rows) * bands, columns, sharex=True, sharey=True, squeeze=False)
    published = windowed_arm(ds)
    for position, arm in enumerate(arms):
        band, column = divmod(position, canvas.COLUMNS)
        panels = axes[len(rows) * band : len(rows) * (band + 1), column]
        for axis, curve in zip(panels, rows, strict=True):
            _draw_seeds(axis, env_steps, curves[curve.name].sel(arm=arm).transpose("seed", ...).values)
            _dress(axis, env_steps, curve, first=column == 0)
        if published is not None and arm == published.arm:
            _draw_published(panels[0], _windows_within(published, env_steps[-1]), diagnostics.primary)
        panels[0].set_title(_panel_title(ds, arm), fontsize=11)
        lowest = band == bands - 1 or position + canvas.COLUMNS >= len(arms)
        panels[-1].tick_params(labelbottom=lowest)
        panels[-1].set_xlabel("environment steps" if lowest else "")
    for axis in axes[len(rows) * (bands - 1) :, (len(arms) - 1) % canvas.COLUMNS + 1 :].flat:
        axis.set_visible(False)
    figure.suptitle(_title(ds, diagnostics.metric(diagnostics.primary).label, len(arms)), fontsize=12)
    figure.legend(
        handles=_legend_handles(_published_name(published, arms, env_steps[-1])),
        loc="outside lower center",
        ncols=3,
        fontsize=9,
        frameon=False,
    )
    return figure


def _draw_seeds(axis: Axes, env_steps: np.ndarray, values: np.ndarray) -> None:
    canvas.seed_lines(axis, env_steps, values, least_alpha=0.15)
    # A checkpoint without any value has no median; np.nanmedian would warn about it.
    some = ~np.isnan(values).all(axis=0)
    axis.plot(env_steps[some], np.nanmedian(values[:, some], axis=0), color=canvas.MEDIAN, linewidth=2)


def windowed_arm(ds: xr.Dataset) -> PublishedArm | None:
    """The first published run whose windows of the primary metric are known and belong to an arm; None without any."""
    primary = diagnostics_of(ds).primary
    known = (found for found in published_arms(ds) if found.run.has_windows)
    return next((found for found in known if primary in found.run.windows()), None)


def _windows_within(published: PublishedArm, last_step: int) -> pd.DataFrame:
    windows = published.run.windows()
    return windows[windows.index <= last_step]


def _published_name(published: PublishedArm | None, arms: list[str], last_step: int) -> str:
    """The published run that is drawn; empty where none is."""
    if published is None or published.arm not in arms or _windows_within(published, last_step).empty:
        return ""
    return published.run.name


def _draw_published(axis: Axes, windows: pd.DataFrame, metric: str) -> None:
    if windows.empty:  # an empty line that is not clipped has no extent, and the layout collapses
        return
    axis.hlines(windows[metric], windows["start"], windows.index, color=canvas.PUBLISHED, linewidth=1.2, zorder=4)
    axis.plot(
        windows.index,
        windows[metric],
        linestyle="none",
        marker="o",
        markersize=7,
        markerfacecolor="white",
        markeredgecolor=canvas.PUBLISHED,
        markeredgewidth=1.6,
        zorder=5,
        clip_on=False,
    )


def _dress(axis: Axes, env_steps: np.ndarray, curve: Curve, first: bool) -> None:
    canvas.dress(axis)
    canvas.log_steps(axis, env_steps)
    if curve.metric.is_percentage:
        axis.set_ylim(0, 100)
    axis.set_ylabel(curve.label if first else "", fontsize=10)


def _panel_title(ds: xr.Dataset, arm: str) -> str:
    failed = int((failed_steps(ds).sel(arm=arm) >= 0).sum())
    return f"{arm} ({failed} of {ds.sizes['seed']} seeds failed)" if failed else arm


def _title(ds: xr.Dataset, label: str, num_drawn: int) -> str:
    arms = f"first {num_drawn} of {ds.sizes['arm']} arms, " if num_drawn < ds.sizes["arm"] else ""
    return f"{ds.attrs['experiment']}: {label}, {arms}{ds.sizes['seed']} seeds"


def _legend_handles(published_run: str) -> list[Line2D]:
    published = Line2D([], [], color=canvas.PUBLISHED, marker="o", markerfacecolor="white", markersize=7)
    published.set_label(f"published {published_run}, over wider windows (bar: its window)")
    seed = Line2D([], [], color=canvas.SEED, linewidth=1.2, label="one seed")
    median = Line2D([], [], color=canvas.MEDIAN, linewidth=2, label="median")
    return [seed, median, published] if published_run else [seed, median]
