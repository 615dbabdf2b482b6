"""Drawdown of every seed at every checkpoint, seeds sorted by onset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.report.formatting import short_steps

Floats = npt.NDArray[np.float64]

_TICKS = 8
_ROWS_NAMED = 32


def plot_drawdowns(
    env_steps: canvas.Steps,
    drawdown: Mapping[str, Floats],
    onset: Mapping[str, Floats],
    title: str,
    seeds: Sequence[int] | Sequence[str] | None = None,
    scale: str = "drawdown, points",
    least: float = 1.0,
) -> Figure:
    """One panel per arm (the first six), a row per seed, named by its number; a dot marks the seed's onset.

    Rows are sorted by onset, those without a dip last.

    Args:
        env_steps: ``[K]``.
        drawdown: by arm ``[seed, K]`` below the running maximum; NaN is left white.
        onset: by arm ``[seed]`` environment step, NaN without a dip.
        title: above the figure.
        seeds: ``[seed]`` numbers or labels of the seeds; by default 0, 1, …
        scale: what the colours mean, with the unit.
        least: the smallest drawdown that may be drawn in full colour.
    """
    arms = list(drawdown)[: canvas.MAX_ARMS]
    columns = min(len(arms), canvas.COLUMNS)
    bands = -(-len(arms) // canvas.COLUMNS)
    figure = canvas.new_figure(max(3.6 * columns, 6.5), 4.0 * bands + 0.7)
    axes = figure.subplots(bands, columns, squeeze=False)
    known = [float(np.nanmax(values)) for values in drawdown.values() if not np.isnan(values).all()]
    deepest = max([*known, least if np.isfinite(least) else 1.0])
    for axis in axes.flat[len(arms) :]:
        axis.set_visible(False)
    for axis, arm in zip(axes.flat, arms, strict=False):
        numbers = np.arange(len(onset[arm])) if seeds is None else np.asarray(seeds)
        mesh = _draw(axis, env_steps, drawdown[arm], onset[arm], deepest, numbers)
        axis.set_title(canvas.shorten(arm), fontsize=11)
    for row in axes:
        row[0].set_ylabel("seed, earliest onset at the top", fontsize=10)
    figure.colorbar(mesh, ax=axes, label=scale, shrink=0.8, pad=0.02)
    figure.supxlabel("checkpoint (environment steps; columns of equal width)", fontsize=10)
    figure.suptitle(title, fontsize=12)
    return figure


def _draw(
    axis: Axes,
    env_steps: canvas.Steps,
    drawdown: Floats,
    onset: Floats,
    deepest: float,
    numbers: npt.NDArray[Any],
) -> QuadMesh:
    order = np.argsort(onset, kind="stable")  # NaN goes to the end
    mesh = axis.pcolormesh(drawdown[order], cmap="cividis_r", vmin=0, vmax=deepest, rasterized=True)
    dipped = np.flatnonzero(~np.isnan(onset[order]))
    column = np.searchsorted(env_steps, onset[order][dipped])
    axis.plot(column + 0.5, dipped + 0.5, "o", color="#D55E00", markersize=3, markeredgecolor="white", mew=0.4)
    axis.set_xlim(0, len(env_steps))
    axis.set_ylim(len(order), 0)
    rows = np.arange(0, len(order), max(-(-len(order) // _ROWS_NAMED), 1))
    axis.set_yticks(rows + 0.5, [str(seed) for seed in numbers[order][rows]])
    places = np.unique(np.linspace(0, len(env_steps) - 1, min(_TICKS, len(env_steps))).round().astype(int))
    axis.set_xticks(places + 0.5, [short_steps(env_steps[place]) for place in places], fontsize=8, rotation=45)
    axis.tick_params(axis="x", labelsize=8)
    axis.tick_params(axis="y", labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
    return mesh
