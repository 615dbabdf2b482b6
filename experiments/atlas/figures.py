"""The figure of the atlas: a plate for each environment, every seed's curve."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.canvas import GREY, INK, PUBLISHED, dress, linear_steps, new_figure
from momentum_jax.analysis.pages.study_market import Market

from .measures import Measured, measured
from .tables import share_of

_COLUMNS = 4
_WIDTH, _HEIGHT = 3.1, 2.3  # inches of a plate
_MOST_DIPS = 24  # curves of seeds that dip: more hide one another
_LIMITS = (-60.0, 160.0)  # percent of the range; few curves leave it


def plates(market: Market) -> Figure | None:
    """Every seed's return in every environment: orange the seeds that dip, bold the mean of all, dashed the control's.

    The left half of a plate is where a dip counts as early.
    """
    found = measured(market)
    if not found:
        return None
    rows = -(-len(found) // _COLUMNS)
    figure = new_figure(_COLUMNS * _WIDTH, rows * _HEIGHT)
    axes = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False).ravel()
    for axis, one in zip(axes, found, strict=False):
        _plate(axis, one)
    for axis in axes[len(found) :]:
        axis.set_visible(False)
    figure.supylabel("return, % of the range above the start", fontsize=10, color=INK)
    figure.supxlabel("environment steps", fontsize=10, color=INK)
    return figure


def _plate(axis: Axes, one: Measured) -> None:
    learner, steps = one.learner, one.steps
    dress(axis)
    linear_steps(axis)
    axis.axvspan(0, one.entry.horizon, color="#F4F4F4", zorder=0)
    dipping = np.flatnonzero(learner.dips)
    # The deepest would be a biased choice: the first ones by number stand for all.
    for seeds, color, alpha in ((np.flatnonzero(~learner.dips), GREY, 0.12), (dipping[:_MOST_DIPS], PUBLISHED, 0.45)):
        curves = [np.column_stack([steps, learner.returns[seed]]) for seed in seeds]
        axis.add_collection(LineCollection(curves, colors=color, alpha=alpha, linewidths=0.6, rasterized=True))
    axis.plot(steps, learner.returns.mean(axis=0), color=INK, linewidth=1.8)
    if one.control is not None:
        axis.plot(steps, one.control.returns.mean(axis=0), color=INK, linewidth=1.0, linestyle="--")
    axis.set_xlim(0, float(steps[-1]))
    axis.set_ylim(*_LIMITS)
    share = share_of(learner.dips)
    name = one.entry.part.replace("_", " ") + ("" if one.entry.learnable else " (nothing to learn)")
    axis.set_title(f"{name}\n{share.estimate:.0f} % dip [{share.low:.0f}, {share.high:.0f}]", fontsize=9, color=INK)
