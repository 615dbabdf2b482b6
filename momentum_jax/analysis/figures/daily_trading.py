"""What policies earn day by day: equity with its band over seeds, trades a day, the distribution of daily profits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.dates
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas

Floats = npt.NDArray[np.float64]
ByPolicy = Mapping[str, Floats]
"""Values [seed, day] by policy."""

_BINS = 40
_LEGEND_INCHES = 1.3  # that the longest name of a policy takes
_BASELINE_COLORS = ("#777777", "#009E73", "#E69F00", "#CC79A7", "#000000", "#8C6D31")


def plot_equity(days: npt.NDArray, arms: Mapping[str, ByPolicy], baselines: ByPolicy, title: str) -> Figure:
    """Cumulated profit in dollars, a panel an arm: median and quartiles over seeds; baselines as thin lines.

    Args:
        days: dates ``[day]``.
        arms: by arm, daily profits of its policies.
        baselines: of the same sessions; of those that draw, the median over seeds is drawn.
        title: above the figure.
    """
    figure, axes = _panels(arms)
    for axis, (arm, policies) in zip(axes, arms.items(), strict=False):
        _dates(axis, days)
        for color, (name, pnl) in zip(_BASELINE_COLORS, baselines.items(), strict=False):
            middle = np.median(np.cumsum(pnl, axis=1), axis=0) if len(pnl) else np.full(len(days), np.nan)
            axis.plot(days, middle, color=color, linewidth=1.1, linestyle=":", label=name)
        _bands(axis, days, {name: np.cumsum(pnl, axis=1) for name, pnl in policies.items()})
        axis.axhline(0, color=canvas.INK, linewidth=0.8)
        axis.set_title(canvas.shorten(arm), fontsize=10)
    _legend(figure, axes[0])
    figure.suptitle(title, fontsize=12)
    figure.supylabel("dollars on 100 000, cumulated", fontsize=9)
    return figure


def plot_trades(days: npt.NDArray, arms: Mapping[str, ByPolicy], claimed: tuple[float, float], title: str) -> Figure:
    """Trades a day, a panel an arm: median and quartiles over seeds; the claimed range is shaded."""
    figure, axes = _panels(arms)
    for axis, (arm, policies) in zip(axes, arms.items(), strict=False):
        _dates(axis, days)
        axis.axhspan(*claimed, color="#F0E442", alpha=0.35, linewidth=0)
        _bands(axis, days, policies)
        axis.set_ylim(bottom=0)
        axis.set_title(canvas.shorten(arm), fontsize=10)
    _legend(figure, axes[0])
    figure.suptitle(title, fontsize=12)
    figure.supylabel("trades a day", fontsize=9)
    return figure


def plot_distribution(arms: Mapping[str, ByPolicy], title: str) -> Figure:
    """Daily profits of all seeds and days in dollars, a panel an arm, as shares of days; a line at 0."""
    figure, axes = _panels(arms)
    for axis, (arm, policies) in zip(axes, arms.items(), strict=False):
        canvas.dress(axis)
        drawn = {name: pnl.ravel() for name, pnl in policies.items() if pnl.size}
        every = np.concatenate([*drawn.values(), [0.0]])
        low, high = np.quantile(every, [0.002, 0.998])
        edges = np.linspace(min(low, -1e-6), max(high, 1e-6), _BINS + 1)
        for style, (name, values) in zip(canvas.STYLES, drawn.items(), strict=False):
            shares = np.full(values.size, 100 / values.size)
            inside = np.clip(values, edges[0], edges[-1])  # what lies beyond stands in the last bins
            axis.hist(
                inside,
                edges.tolist(),
                weights=shares,
                histtype="step",
                color=style.color,
                linestyle=style.linestyle,
                label=name,
            )
        axis.axvline(0, color=canvas.INK, linewidth=0.8)
        axis.set_title(canvas.shorten(arm), fontsize=10)
    _legend(figure, axes[0])
    figure.suptitle(title, fontsize=12)
    figure.supxlabel("dollars a day on 100 000", fontsize=9)
    figure.supylabel("per cent of seeds and days", fontsize=9)
    return figure


def _panels(arms: Mapping[str, ByPolicy]) -> tuple[Figure, Sequence[Axes]]:
    return canvas.panels(min(len(arms), canvas.MAX_ARMS), width=4.2, height=3.4, margin=0.7)


def _legend(figure: Figure, axis: Axes) -> None:
    """Below the panels, where it hides no curve."""
    handles, labels = axis.get_legend_handles_labels()
    columns = min(len(labels), max(1, int(figure.get_figwidth() / _LEGEND_INCHES)))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def _bands(axis: Axes, days: npt.NDArray, policies: ByPolicy) -> None:
    """Median over seeds, shaded between the quartiles."""
    for style, (name, values) in zip(canvas.STYLES, policies.items(), strict=False):
        if not len(values):
            continue
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        axis.fill_between(days, low, high, color=style.color, alpha=0.22, linewidth=0)
        axis.plot(days, middle, color=style.color, linestyle=style.linestyle, linewidth=2, label=name)


def _dates(axis: Axes, days: npt.NDArray) -> None:
    canvas.dress(axis)
    locator = matplotlib.dates.AutoDateLocator(maxticks=5)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator))
    if len(days) == 1:
        axis.plot(days, [0], "o", color=canvas.INK, markersize=2)
