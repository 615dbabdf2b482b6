"""A number against a dose, one line per setting, with intervals; and shares by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.report.formatting import format_percent

Floats = npt.NDArray[np.float64]
_CLOSE = 0.08
"""Share of the doses' range below which the numbers of two neighbours would overlap."""


class Doses(NamedTuple):
    """A panel: what is dosed, and every seed's outcome at each dose."""

    x_label: str
    lines: Mapping[str, Mapping[float, Floats]]  # by label, by dose from the lowest on, [seed]
    unchanged_to: float | None = None  # up to this dose a run is known to be that at the lowest dose, to the bit


def plot_responses(panels: Sequence[Doses], y_label: str, title: str) -> Figure:
    """Means over every seed's own value, with 95 % BCa intervals where seeds are enough.

    Lines join the doses that were run. Where it is known that nothing changes up to a dose, they are level up to it.

    Args:
        panels: drawn side by side, one at least.
        y_label: the outcome, with its unit.
        title: above the figure.
    """
    figure = canvas.new_figure(7.0 if len(panels) == 1 else 4.8 * len(panels), 4.6)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    styles = canvas.arm_styles(label for panel in panels for label in panel.lines)
    intervals = [_draw_doses(axis, panel, styles) for axis, panel in zip(axes, panels, strict=True)]
    mean = f"mean with {format_percent(CONFIDENCE)} interval" if any(intervals) else "mean"
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel(y_label, fontsize=10)
    marks = f"dash: one seed; dot: {mean}"
    for axis, panel in zip(axes, panels, strict=True):
        axis.set_xlabel(panel.x_label if len(panels) > 1 else f"{panel.x_label} ({marks})", fontsize=9)
    if len(panels) > 1:
        figure.supxlabel(marks, fontsize=9)
    figure.suptitle(title, fontsize=12)
    return figure


def _draw_doses(axis: Axes, panel: Doses, styles: Mapping[str, canvas.ArmStyle]) -> bool:
    """Draws a panel; whether any of its means has an interval."""
    canvas.dress(axis)
    intervals = False
    for label, by_dose in panel.lines.items():
        style, doses = styles[label], np.array(list(by_dose))
        means = np.array([mean_interval(values)[:3] for values in by_dose.values()])
        known = [enough((~np.isnan(values)).sum()) for values in by_dose.values()]
        ends = np.where(known, np.maximum([means[:, 0] - means[:, 1], means[:, 2] - means[:, 0]], 0), np.nan)
        intervals = intervals or any(known)
        for dose, values in by_dose.items():
            axis.plot(np.full(len(values), dose), values, "_", color=style.color, markersize=8, alpha=0.35)
        path, marked = np.stack([doses, means[:, 0]]), list(range(len(doses)))
        if panel.unchanged_to is not None:  # a bend, with no mean of its own
            path = np.insert(path, 1, [panel.unchanged_to, means[0, 0]], axis=1)
            ends, marked = np.insert(ends, 1, np.nan, axis=1), [0, *range(2, len(doses) + 1)]
        axis.errorbar(path[0], path[1], ends, marker=style.marker, color=style.color, label=label, markevery=marked,
                      linestyle=style.linestyle, capsize=4, linewidth=1.6)  # fmt: skip
    _label_doses(axis, panel)
    if len(panel.lines) > 1:
        axis.legend(fontsize=9, frameon=False)
    return intervals


def _label_doses(axis: Axes, panel: Doses) -> None:
    """A tick at each dose, with upright numbers where doses lie close together; a grey field where nothing changes."""
    ticks = sorted({dose for by_dose in panel.lines.values() for dose in by_dose})
    if panel.unchanged_to is not None:
        field = (ticks[0], panel.unchanged_to)
        axis.axvspan(*field, color=canvas.GREY, alpha=0.08, linewidth=0)
        axis.text(float(np.mean(field)), 0.02, f"the same runs up to {field[1]:g}", ha="center", fontsize=9,
                  transform=axis.get_xaxis_transform(), color=canvas.INK)  # fmt: skip
        ticks.insert(1, panel.unchanged_to)
    axis.set_xticks(ticks)
    gaps = np.diff(ticks)
    if len(gaps) and gaps.min() < _CLOSE * gaps.sum():
        axis.tick_params(axis="x", labelrotation=90)


def plot_shares(shares: pd.DataFrame, title: str) -> Figure:
    """First-order and total shares of variance by stream, with their intervals.

    Args:
        shares: columns ``stream, first, first_low, first_high, total, total_low, total_high, flag``.
        title: above the figure.
    """
    figure = canvas.new_figure(6.5, 4.0)
    axis = figure.subplots()
    canvas.dress(axis)
    at = np.arange(len(shares))
    for offset, part, style in ((-0.12, "first", canvas.STYLES[0]), (0.12, "total", canvas.STYLES[1])):
        middle, low, high = (shares[f"{part}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        ends = np.maximum([middle - low, high - middle], 0)
        label = "alone (first order)" if part == "first" else "with its interactions (total)"
        axis.errorbar(at + offset, middle, yerr=ends, fmt=style.marker, color=style.color, capsize=4, label=label)
    axis.axhline(0, color=canvas.GREY, linewidth=0.8)
    axis.axhline(1, color=canvas.GREY, linewidth=0.8, linestyle=":")
    axis.set_xticks(at, [f"{row.stream}\n{row.flag}".strip() for row in shares.itertuples()], fontsize=8)
    axis.set_xlim(-0.5, len(shares) - 0.5)
    axis.set_ylabel("share of the variance of depth", fontsize=10)
    axis.legend(fontsize=9, frameon=False)
    figure.suptitle(title, fontsize=12)
    return figure
