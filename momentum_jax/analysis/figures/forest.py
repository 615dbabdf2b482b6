"""Forest plots: one row per arm with an estimate and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.verdict import direction


class Group(NamedTuple):
    """Rows under one heading."""

    heading: str
    rows: pd.DataFrame  # columns label, estimate, low, high


def plot_forest(groups: Sequence[Group], axis_label: str, title: str) -> Figure:
    """Estimates with intervals by group; those whose interval holds 0, or that have none, are grey.

    Args:
        groups: drawn from the top down.
        axis_label: what the estimates are, with the unit.
        title: above the figure.
    """
    count = sum(len(group.rows) + 1 for group in groups)
    figure = canvas.new_figure(8.0, 0.24 * count + 1.5)
    axis = figure.subplots()
    canvas.dress(axis)
    axis.grid(axis="y", visible=False)
    axis.axvline(0, color=canvas.INK, linewidth=1)
    labels, place = [], 0
    for group in groups:
        labels.append((place, group.heading, True))
        for row in group.rows.itertuples(index=False):
            place += 1
            _draw(axis, place, float(row.estimate), float(row.low), float(row.high))  # type: ignore[arg-type]
            labels.append((place, str(row.label), False))
        place += 1
    axis.set_yticks([at for at, _, _ in labels], [text for _, text, _ in labels], fontsize=8)
    for tick, (_, _, heading) in zip(axis.get_yticklabels(), labels, strict=True):
        tick.set_fontweight("bold" if heading else "normal")
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(place - 0.4, -0.6)
    axis.set_xlabel(axis_label, fontsize=9)
    figure.suptitle(title, fontsize=12)
    handles = [
        Line2D([], [], color=color, marker="o", markersize=5, label=label)
        for color, label in ((canvas.MEDIAN, "interval without 0"), (canvas.GREY, "interval holds 0"))
    ]
    if any(group.rows["low"].notna().any() for group in groups):
        figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _draw(axis: Axes, place: int, estimate: float, low: float, high: float) -> None:
    if np.isnan(estimate):
        axis.text(0, place, " not measured", va="center", fontsize=7, color=canvas.GREY)
        return
    decided = direction(Interval(estimate, low, high), MIN_SEEDS)  # rows of fewer seeds have no ends
    color = canvas.MEDIAN if decided else canvas.GREY
    axis.hlines(place, low, high, color=color, linewidth=1.6)
    axis.plot(estimate, place, "o", color=color, markersize=4.5)
