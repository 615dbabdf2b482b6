"""How many seeds dip under other choices of horizon, threshold and baseline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.report.formatting import in_unit, short_steps

_LIGHT = 55.0  # per cent of seeds from which a cell is dark and its number light


def plot_sensitivity(tables: Mapping[str, pd.DataFrame], unit: str, title: str) -> Figure:
    """A panel for each arm and baseline: prevalence by horizon and threshold, the chosen cell framed.

    Args:
        tables: by arm (the first six), rows with ``horizon_step, baseline_step, threshold, chosen, prevalence_pct``.
        unit: of the thresholds.
        title: above the figure.
    """
    arms = dict(list(tables.items())[: canvas.MAX_ARMS])
    baselines = sorted({step for table in arms.values() for step in table["baseline_step"]})
    first = next(iter(arms.values()))
    height = 0.42 * first["threshold"].nunique() + 0.8
    figure = canvas.new_figure(max(3.4 * len(baselines), 6.5) + 0.8, height * len(arms) + 1.1)
    axes = figure.subplots(len(arms), len(baselines), squeeze=False)
    for row, (arm, table) in zip(axes, arms.items(), strict=True):
        for axis, baseline in zip(row, baselines, strict=True):
            mesh = _draw(axis, table[table["baseline_step"] == baseline])
            axis.set_title(f"{canvas.shorten(arm)}, from step {short_steps(baseline)}", fontsize=10)
    figure.colorbar(mesh, ax=axes, label="seeds that dip, %", pad=0.02)
    figure.supxlabel("horizon (step by which a trough must come)", fontsize=9)
    figure.supylabel(in_unit("threshold", unit), fontsize=9)
    figure.suptitle(title, fontsize=12)
    return figure


def _draw(axis: Axes, table: pd.DataFrame) -> QuadMesh:
    grid = table.pivot_table(index="threshold", columns="horizon_step", values="prevalence_pct", sort=True)
    shares, thresholds, horizons = grid.to_numpy(float), grid.index.to_numpy(float), grid.columns.to_numpy(float)
    mesh = axis.pcolormesh(shares, cmap="cividis_r", vmin=0, vmax=100, edgecolors="white", linewidth=1)
    for row, column in np.argwhere(np.isfinite(shares)):
        share = shares[row, column]
        color = "white" if share > _LIGHT else canvas.INK
        axis.text(column + 0.5, row + 0.5, f"{share:.0f}", ha="center", va="center", fontsize=8, color=color)
    chosen = table[table["chosen"]]
    corner = np.searchsorted(horizons, chosen["horizon_step"]), np.searchsorted(thresholds, chosen["threshold"])
    for column, row in zip(*corner, strict=True):
        frame = Rectangle((column, row), 1, 1, fill=False, edgecolor=canvas.PUBLISHED, linewidth=2, clip_on=False)
        axis.add_patch(frame)
    axis.set_xticks(np.arange(len(horizons)) + 0.5, [short_steps(step) for step in horizons], fontsize=8)
    axis.set_yticks(np.arange(len(thresholds)) + 0.5, [f"{value:.3g}" for value in thresholds], fontsize=8)
    axis.tick_params(length=0)
    return mesh
