"""Figure 2: drawdown of every seed at every checkpoint, seeds sorted by onset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas

Floats = npt.NDArray[np.float64]

_TICKS = 8


def plot_drawdowns(
    env_steps: npt.NDArray[np.int64], drawdown: Mapping[str, Floats], onset: Mapping[str, Floats], title: str
) -> Figure:
    """One panel per arm (the first six); a dot marks each seed's onset, seeds without a dip come last.

    Args:
        env_steps: ``[K]``.
        drawdown: by arm ``[seed, K]`` points below the running maximum; NaN is left white.
        onset: by arm ``[seed]`` environment step, NaN without a dip.
        title: above the figure.
    """
    arms = list(drawdown)[: canvas.MAX_ARMS]
    columns = min(len(arms), canvas.COLUMNS)
    bands = -(-len(arms) // canvas.COLUMNS)
    figure = canvas.new_figure(max(3.6 * columns, 6.5), 4.0 * bands + 0.7)
    axes = figure.subplots(bands, columns, squeeze=False)
    deepest = max([float(np.nanmax(values)) for values in drawdown.values() if not np.isnan(values).all()], default=1)
    for axis in axes.flat[len(arms) :]:
        axis.set_visible(False)
    for axis, arm in zip(axes.flat, arms, strict=False):
        mesh = _draw(axis, env_steps, drawdown[arm], onset[arm], max(deepest, 1))
        axis.set_title(canvas.shorten(arm), fontsize=11)
    for row in axes:
        row[0].set_ylabel("seeds, earliest onset at the top", fontsize=10)
    figure.colorbar(mesh, ax=axes, label="points below the best so far", shrink=0.8, pad=0.02)
    figure.supxlabel("checkpoint (environment steps; columns of equal width)", fontsize=10)
    figure.suptitle(title, fontsize=12)
    return figure


def _draw(axis: Axes, env_steps: npt.NDArray[np.int64], drawdown: Floats, onset: Floats, deepest: float) -> QuadMesh:
    order = np.argsort(onset, kind="stable")  # NaN goes to the end
    mesh = axis.pcolormesh(drawdown[order], cmap="cividis_r", vmin=0, vmax=deepest, rasterized=True)
    dipped = np.flatnonzero(~np.isnan(onset[order]))
    column = np.searchsorted(env_steps, onset[order][dipped])
    axis.plot(column + 0.5, dipped + 0.5, "o", color="#D55E00", markersize=3, markeredgecolor="white", mew=0.4)
    axis.invert_yaxis()
    places = np.unique(np.linspace(0, len(env_steps) - 1, min(_TICKS, len(env_steps))).round().astype(int))
    axis.set_xticks(places + 0.5, [canvas.short_steps(env_steps[place]) for place in places], fontsize=8, rotation=45)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    return mesh
