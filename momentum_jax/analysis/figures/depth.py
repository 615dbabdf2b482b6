"""The distribution of depth in each arm against the threshold and, where given, the null."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.analysis.report.formatting import format_percent, in_unit

Floats = npt.NDArray[np.float64]
ByArm = Mapping[str, Floats]


def plot_depths(
    metrics: Mapping[str, ByArm],
    threshold: float | Mapping[str, float],
    title: str,
    null_limits: Mapping[str, Mapping[str, float]] | None = None,
    unit: str = "points",
) -> Figure:
    """One panel per metric, one row per arm: every seed's depth, quartiles, threshold and null.

    Args:
        metrics: by label, by arm, the largest drawdown of each seed ``[seed]``.
        threshold: smallest depth that counts as a dip, of all metrics or by label.
        title: above the figure.
        null_limits: by label, by arm, what a curve without a dip exceeds in 5 % of cases; a grey
            band reaches up to it.
        unit: of the depths, in words.
    """
    arms = list(next(iter(metrics.values())))
    thresholds = threshold if isinstance(threshold, Mapping) else dict.fromkeys(metrics, threshold)
    figure = canvas.new_figure(max(3.4 * len(metrics), 6.5), 0.75 * len(arms) + 2.1)
    axes = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axis, (label, depths) in zip(axes, metrics.items(), strict=True):
        limits = (null_limits or {}).get(label, {})
        for row, arm in enumerate(arms):
            _draw_null(axis, row, limits.get(arm, np.nan))
            _draw_arm(axis, row, depths[arm], canvas.arm_styles(arms)[arm])
        if np.isfinite(thresholds[label]):
            axis.axvline(thresholds[label], color=canvas.INK, linestyle="--", linewidth=1)
        axis.set_title(label, fontsize=10)
        axis.set_xlim(left=0)
        canvas.dress(axis)
    axes[0].set_yticks(range(len(arms)), [canvas.shorten(arm) for arm in arms])
    axes[0].set_ylim(len(arms) - 0.5, -0.5)
    figure.supxlabel(
        f"{in_unit('depth (largest drawdown)', unit)}\n" + _key(thresholds, unit, bool(null_limits)),
        fontsize=9,
    )
    figure.suptitle(title, fontsize=12)
    return figure


def _key(thresholds: Mapping[str, float], unit: str, with_null: bool) -> str:
    same = len(set(thresholds.values())) == 1
    least = f" of {next(iter(thresholds.values())):.4g} {unit}".rstrip() if same else ""
    text = f"dot: one seed · bar: quartiles, line: median · dashed: threshold{least}"
    null = f" · grey: what a flat curve's noise is above in {format_percent(LEVEL)} of cases"
    return text + null if with_null else text


def _draw_null(axis: Axes, row: int, limit: float) -> None:
    if not np.isnan(limit):
        axis.barh(row, limit, height=0.9, color="#CCCCCC", alpha=0.6, zorder=0)


def _draw_arm(axis: Axes, row: int, depths: Floats, style: canvas.ArmStyle) -> None:
    known = depths[~np.isnan(depths)]
    if not len(known):
        axis.text(0, row, " no seed", va="center", fontsize=8, color=canvas.GREY)
        return
    # Spread by rank, not by chance: the same run gives the same picture.
    spread = 0.32 * (np.arange(len(known)) * 0.618 % 1 * 2 - 1)
    axis.plot(known, row + spread, style.marker, color=style.color, markersize=3.5, alpha=0.6, mew=0)
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    axis.barh(row, high - low, left=low, height=0.5, facecolor="none", edgecolor=canvas.INK, linewidth=1.1, zorder=3)
    axis.vlines(middle, row - 0.25, row + 0.25, color=canvas.INK, linewidth=2.2, zorder=4)
