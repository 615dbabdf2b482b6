"""Learner health and skill, averaged over seeds after aligning them on their onsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS

Floats = npt.NDArray[np.float64]

_FEWEST = 3


def plot_onset(offsets: Floats, metrics: Mapping[str, Mapping[str, Floats]], title: str) -> Figure:
    """One panel per metric: mean over seeds with twice its standard error, by arm.

    Args:
        offsets: ``[M]`` steps since the onset.
        metrics: by label, by arm, aligned curves ``[seed, M]``; a mean over fewer than three
            seeds is not drawn, and none has a band over fewer than `MIN_SEEDS`.
        title: above the figure.
    """
    arms = list(next(iter(metrics.values())))[: canvas.MAX_ARMS]
    styles = canvas.arm_styles(arms)
    rows = -(-len(metrics) // canvas.COLUMNS)
    figure = canvas.new_figure(9.6, 2.5 * rows + 1.0)
    axes = figure.subplots(rows, canvas.COLUMNS, sharex=True, squeeze=False)
    for axis in axes.flat[len(metrics) :]:
        axis.set_visible(False)
    limits = _limits(offsets, [curves[arm] for curves in metrics.values() for arm in arms])
    for axis, (label, curves) in zip(axes.flat, metrics.items(), strict=False):
        canvas.dress(axis)
        drawn = [_draw(axis, offsets, curves[arm], styles[arm]) for arm in arms]
        if not any(drawn):
            canvas.nothing_to_draw(axis, "fewer than three dips")
        axis.axvline(0, color=canvas.GREY, linewidth=0.8, linestyle=":")
        axis.set_title(label, fontsize=10)
        axis.set_xlim(*limits)
        canvas.linear_steps(axis)
    with_band = any(_has_band(curves[arm]) for curves in metrics.values() for arm in arms)
    band = "; band: ± 2 standard errors" if with_band else ""
    figure.suptitle(f"{title} (steps since each seed's onset{band})", fontsize=11)
    counts = {arm: len(next(iter(metrics.values()))[arm]) for arm in arms}
    handles = [
        Line2D([], [], color=styles[arm].color, linestyle=styles[arm].linestyle, label=f"{arm} ({counts[arm]} dips)")
        for arm in arms
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure


def _draw(axis: Axes, offsets: Floats, curves: Floats, style: canvas.ArmStyle) -> bool:
    count = (~np.isnan(curves)).sum(axis=0)
    drawn_at = count >= _FEWEST
    if not drawn_at.any():
        return False
    mean = np.nanmean(curves[:, drawn_at], axis=0)
    width = 2 * np.nanstd(curves[:, drawn_at], axis=0, ddof=1) / np.sqrt(count[drawn_at])
    axis.plot(offsets[drawn_at], mean, color=style.color, linestyle=style.linestyle, linewidth=1.6)
    width[count[drawn_at] < MIN_SEEDS] = np.nan
    axis.fill_between(offsets[drawn_at], mean - width, mean + width, color=style.color, alpha=0.2, linewidth=0)
    return True


def _has_band(curves: Floats) -> bool:
    return bool(((~np.isnan(curves)).sum(axis=0) >= MIN_SEEDS).any())


def _limits(offsets: Floats, curves: Sequence[Floats]) -> tuple[float, float]:
    """First and last offset at which a mean is drawn; all of them where none is."""
    drawn = np.any([(~np.isnan(values)).sum(axis=0) >= _FEWEST for values in curves], axis=0)
    known = offsets[drawn] if drawn.sum() > 1 else offsets
    return float(known[0]), float(known[-1])
