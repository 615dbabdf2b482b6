"""The figure of the atlas: a plate for each environment, every seed's curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.canvas import GREY, INK, PUBLISHED, dress, linear_steps, new_figure
from momentum_jax.analysis.pages.study_market import Market

from .measures import Measured, measured
from .tables import share_of

Floats = npt.NDArray[np.float64]

_COLUMNS = 4
_WIDTH, _HEIGHT = 3.1, 2.3  # inches of a plate
_MOST = {GREY: 48, PUBLISHED: 24}  # curves of a colour: more hide one another
_LIMITS = (-130.0, 160.0)  # percent of the range; few curves leave it


def plates(market: Market) -> Figure | None:
    """Seeds' returns in each environment: orange those that dip, bold the mean of all, dashed the control's mean.

    The grey half of a plate is where a dip counts as early.
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
    dips = learner.dips & one.judged
    values, control = _scaled(one)
    # The deepest would be a biased choice: the first ones by number stand for all.
    for seeds, color, alpha in ((~dips, GREY, 0.2), (dips, PUBLISHED, 0.45)):
        curves = [np.column_stack([steps, values[seed]]) for seed in np.flatnonzero(seeds)[: _MOST[color]]]
        axis.add_collection(LineCollection(curves, colors=color, alpha=alpha, linewidths=0.6, rasterized=True))
    axis.plot(steps, values.mean(axis=0), color=INK, linewidth=1.8)
    if control is not None:
        axis.plot(steps, control.mean(axis=0), color=INK, linewidth=1.0, linestyle="--")
    axis.set_xlim(0, float(steps[-1]))
    axis.set_ylim(*_LIMITS)
    axis.set_title(f"{one.entry.part.replace('_', ' ')}\n{_found(one)}", fontsize=9, color=INK)


def _scaled(one: Measured) -> tuple[Floats, Floats | None]:
    """Returns of the learner and its control; of a mean that gains nothing, in percent of the range that it covers."""
    if one.judged:
        return one.learner.returns, None if one.control is None else one.control.returns
    mean = one.learner.rewards.mean(axis=0)
    arms = [100 * (arm.rewards - mean[0]) / np.ptp(mean) if arm else None for arm in (one.learner, one.control)]
    assert arms[0] is not None
    return arms[0], arms[1]


def _found(one: Measured) -> str:
    """What the plate's title says."""
    if not one.judged:
        return "the mean gains nothing: not judged"
    share = share_of(one.learner.dips)
    note = "" if one.entry.learnable else ", nothing to learn"
    return f"{share.estimate:.0f} % dip [{share.low:.0f}, {share.high:.0f}]{note}"
