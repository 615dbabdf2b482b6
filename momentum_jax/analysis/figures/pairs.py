"""Paired slopes between arms that share their seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import mean_interval

Floats = npt.NDArray[np.float64]
Values = Mapping[str, tuple[Floats, Floats]]


def plot_pairs(pairs: Mapping[tuple[str, str], Values], title: str) -> Figure:
    """One row per pair of arms and one panel per metric; each line is a seed, from the first arm to the second.

    Args:
        pairs: by the names of the two arms, by label, the values ``[seed]`` in both, paired by position.
        title: above the figure.
    """
    columns = max(len(metrics) for metrics in pairs.values())
    height = 4.4 if len(pairs) == 1 else 2.8 * len(pairs) + 0.9
    figure = canvas.new_figure(max(3.0 * columns, 6.5), height)
    grid = figure.subplots(len(pairs), columns, squeeze=False)
    for axes, ((first, second), metrics) in zip(grid, pairs.items(), strict=True):
        for axis, (label, (left, right)) in zip(axes, metrics.items(), strict=True):
            canvas.dress(axis)
            _draw(axis, left, right)
            axis.set_title(f"{label}\n{_difference(left, right)}", fontsize=9)
            axis.set_xticks([0, 1], [canvas.shorten(first, 18), canvas.shorten(second, 18)], fontsize=9)
            axis.set_xlim(-0.3, 1.3)
    figure.suptitle(title, fontsize=12)
    figure.supxlabel("blue: goes down in the second arm · orange, dashed: goes up · black: mean", fontsize=9)
    return figure


def _draw(axis: Axes, left: Floats, right: Floats) -> None:
    both = ~np.isnan(left) & ~np.isnan(right)
    if not both.any():
        canvas.nothing_to_draw(axis, "no seed has a value\nin both arms")
        return
    up = both & (right > left)
    for chosen, style in ((both & ~up, canvas.STYLES[0]), (up, canvas.STYLES[1])):
        pairs = np.stack([left[chosen], right[chosen]])
        axis.plot([0, 1], pairs, color=style.color, linestyle=style.linestyle, linewidth=0.9, alpha=0.6)
        axis.plot([0, 1], pairs, style.marker, color=style.color, markersize=3, alpha=0.6, mew=0)
    means = [left[both].mean(), right[both].mean()]
    axis.plot([0, 1], means, "o-", color="black", linewidth=2.4, markersize=6, zorder=4)


def _difference(left: Floats, right: Floats) -> str:
    change = mean_interval(right - left)
    both = ~np.isnan(left) & ~np.isnan(right)
    if not both.any():
        return ""
    ends = f" [{change.low:+.1f}, {change.high:+.1f}]" if enough(both.sum()) else ""
    text = f"mean change {change.estimate:+.1f}{ends}"
    varied = both.sum() > 2 and np.ptp(left[both]) > 0 and np.ptp(right[both]) > 0
    return text + (f", r = {np.corrcoef(left[both], right[both])[0, 1]:.2f}" if varied else "")
