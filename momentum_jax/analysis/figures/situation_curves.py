"""The same measurements in several situations, side by side: medians over seeds with their quartiles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.bands import quantile_bands

Floats = npt.NDArray[np.float64]

_QUARTILES = (0.25, 0.5, 0.75)


def plot_situations(
    steps: npt.ArrayLike,
    measured: Mapping[str, Mapping[str, Mapping[str, Floats]]],
    title: str,
    since: str = "",
) -> Figure:
    """A row for each measurement, a column for each of the first arms, a curve for each situation.

    Args:
        steps: ``[K]`` environment steps, or steps since an event of each seed.
        measured: by label, by situation, by arm, ``[seed, K]``.
        title: above the figure.
        since: the event in words; empty where steps are environment steps.
    """
    first = next(iter(measured.values()))
    arms = list(next(iter(first.values())))[: canvas.COLUMNS]
    kinds = list(dict.fromkeys(situation for by_situation in measured.values() for situation in by_situation))
    styles = canvas.arm_styles(kinds)
    at = np.asarray(steps, np.float64)
    figure = canvas.new_figure(max(3.4 * len(arms), 6.5), 2.3 * len(measured) + 0.9)
    axes = figure.subplots(len(measured), len(arms), sharex=True, sharey="row", squeeze=False)
    for row, (label, by_situation) in zip(axes, measured.items(), strict=True):
        for axis, arm in zip(row, arms, strict=True):
            for situation, curves in by_situation.items():
                _draw(axis, at, curves[arm], styles[situation])
            _dress(axis, at, bool(since))
        row[0].set_ylabel(label, fontsize=9)
        row[0].set_ylim(bottom=0)
    for axis, arm in zip(axes[0], arms, strict=True):
        axis.set_title(canvas.shorten(arm), fontsize=11)
    for axis in axes[-1]:
        axis.set_xlabel(f"steps since {since}" if since else "environment steps", fontsize=9)
    figure.suptitle(f"{title} (median and quartiles over seeds)", fontsize=11)
    handles = [Line2D([], [], color=styles[kind].color, linestyle=styles[kind].linestyle, label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


def _draw(axis: Axes, steps: Floats, curves: Floats, style: canvas.ArmStyle) -> None:
    low, middle, high = quantile_bands(curves, _QUARTILES)
    known = ~np.isnan(middle)
    axis.plot(steps[known], middle[known], color=style.color, linestyle=style.linestyle, linewidth=1.6)
    axis.fill_between(steps[known], low[known], high[known], color=style.color, alpha=0.2, linewidth=0)


def _dress(axis: Axes, steps: Floats, aligned: bool) -> None:
    canvas.dress(axis)
    if aligned:
        axis.axvline(0, color=canvas.GREY, linewidth=0.8, linestyle=":")
        canvas.linear_steps(axis)
    else:
        canvas.log_steps(axis, steps.astype(np.int64))
