"""Curves of every seed with their median and band, the part in which dips are looked for, and how deep seeds fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import wilson_interval
from momentum_jax.analysis.report.formatting import format_percent, in_unit

Floats = npt.NDArray[np.float64]

_MOST_VECTORS = 64  # more seeds than these are drawn as pixels also in SVG, which stays small
_WINDOW = "#F0E8C8"


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmCurves:
    """What is drawn of an arm.

    Attributes:
        name: of the arm.
        values: ``[seed, K]`` of every seed.
        median: ``[K]``.
        low: ``[K]`` lower edge of the median's band; NaN where there is none.
        high: ``[K]`` upper edge.
        depth: ``[seed]`` largest fall of each seed; NaN where it was not seen.
        is_dip: ``[seed]`` 1 where it counts, 0 where not, NaN of a seed that is not judged.
    """

    name: str
    values: Floats
    median: Floats
    low: Floats
    high: Floats
    depth: Floats
    is_dip: Floats


@dataclass(frozen=True, kw_only=True)
class Words:
    """Labels of a picture of dips.

    Attributes:
        value: what the values are.
        unit: of the values; empty of pure numbers.
        points: unit of a difference of values.
        worse: ``fall`` or ``rise``.
        level: confidence of the bands.
        steps: what the steps are.
    """

    value: str
    unit: str
    points: str
    worse: str
    level: float
    steps: str = "steps"


def plot_dip_curves(
    steps: Floats, arms: Sequence[ArmCurves], window: tuple[float, float], threshold: float, words: Words, title: str
) -> Figure:
    """A panel for each arm (the first six), and one with the share of seeds by depth.

    Args:
        steps: ``[K]``.
        arms: what is drawn.
        window: steps from which falls count, and by which a trough must come.
        threshold: smallest depth that counts; 0 where noise alone decides.
        words: labels.
        title: above the figure.
    """
    drawn = list(arms)[: canvas.MAX_ARMS]
    figure, axes = canvas.panels(len(drawn) + 1, width=3.6, height=3.1, margin=1.0)
    for axis, arm in zip(axes, drawn, strict=False):
        _draw_arm(axis, steps, arm, window)
        axis.set_xlabel(words.steps, fontsize=9)
        axis.set_title(f"{canvas.shorten(arm.name)}, {len(arm.values)} seeds", fontsize=10)
    for axis in axes[1 : len(drawn)]:
        axis.sharey(axes[0])
    axes[0].set_ylabel(in_unit(words.value, words.unit), fontsize=10)
    _draw_shares(axes[len(drawn)], drawn, threshold, words)
    figure.suptitle(title, fontsize=12)
    handles = _handles(any(np.isfinite(arm.low).any() for arm in drawn), words.level)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return figure


def _draw_arm(axis: Axes, steps: Floats, arm: ArmCurves, window: tuple[float, float]) -> None:
    canvas.dress(axis)
    pixels = len(arm.values) > _MOST_VECTORS
    axis.axvspan(*window, color=_WINDOW, alpha=0.6, linewidth=0, zorder=0)
    canvas.seed_lines(axis, steps, arm.values, least_alpha=0.06, rasterized=pixels)
    axis.fill_between(steps, arm.low, arm.high, color=canvas.MEDIAN, alpha=0.3, linewidth=0)
    axis.plot(steps, arm.median, color=canvas.MEDIAN, linewidth=1.8)
    if steps[0] >= 0:
        canvas.log_steps(axis, steps)
        axis.tick_params(axis="x", labelsize=8)


def _draw_shares(axis: Axes, arms: Sequence[ArmCurves], threshold: float, words: Words) -> None:
    """Share of seeds that fall by at least so much (a performance profile of depth), with Wilson's interval of each."""
    canvas.dress(axis)
    styles = canvas.arm_styles([arm.name for arm in arms])
    for arm in arms:
        seen = ~np.isnan(arm.depth)
        if not seen.any():
            continue
        depth = np.sort(arm.depth[seen])
        share = 100 * np.arange(len(depth), 0, -1) / len(depth)
        style = styles[arm.name]
        corners = np.concatenate([[0.0], depth, depth[-1:]]), np.concatenate([[100.0], share, [0.0]])
        axis.step(*corners, where="pre", color=style.color, linestyle=style.linestyle, linewidth=1.6)
        if enough(len(depth)):
            ends = [wilson_interval(number, len(depth), words.level) for number in range(len(depth), -1, -1)]
            low, high = (100 * np.array([getattr(end, side) for end in ends]) for side in ("low", "high"))
            places = np.concatenate([[0.0], depth])
            axis.fill_between(places, low, high, step="post", color=style.color, alpha=0.12, linewidth=0)
        judged = arm.is_dip[~np.isnan(arm.is_dip)]
        dips = f"{100 * float(judged.mean()):.0f} % dip" if len(judged) else "not judged"
        label = f"{canvas.shorten(arm.name)}: {dips}"
        axis.plot([], [], color=style.color, linestyle=style.linestyle, linewidth=1.6, label=label)
    if threshold > 0:
        axis.axvline(threshold, color=canvas.INK, linestyle="--", linewidth=1, label=f"threshold {threshold:.3g}")
    axis.set_ylim(0, 103)
    axis.set_xlim(left=0)
    axis.set_xlabel(in_unit(f"largest {words.worse}", words.points), fontsize=9)
    axis.set_ylabel("seeds with at least as much, %", fontsize=9)
    axis.set_title(f"how far seeds {words.worse}", fontsize=10)
    axis.legend(fontsize=8, frameon=False, loc="upper right")


def _handles(with_band: bool, level: float) -> list[Line2D | Patch]:
    band = Patch(color=canvas.MEDIAN, alpha=0.3, label=f"{format_percent(level)} band of the whole curve")
    return [
        Line2D([], [], color=canvas.SEED, linewidth=1.2, label="one seed"),
        Line2D([], [], color=canvas.MEDIAN, linewidth=2, label="median"),
        *([band] if with_band else []),
        Patch(color=_WINDOW, alpha=0.6, label="dips are looked for here"),
    ]


def plot_noise(arms: Mapping[str, tuple[Floats, Floats, Floats]], threshold: float, words: Words, title: str) -> Figure:
    """Each seed's largest fall against the fall that its noise may make; dips are above the line and the threshold.

    Args:
        arms: by name, depth, noise floor and whether it is a dip (1, 0, NaN of a seed that is not judged and not
            drawn), ``[seed]`` each.
        threshold: smallest depth that counts.
        words: labels.
        title: above the figure.
    """
    drawn = dict(list(arms.items())[: canvas.MAX_ARMS])
    columns = min(len(drawn), canvas.COLUMNS)
    rows = -(-len(drawn) // columns)
    figure = canvas.new_figure(max(3.3 * columns, 6.5), 3.1 * rows + 0.8)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(drawn) :]:
        axis.set_visible(False)
    most = max((float(np.nanmax(np.concatenate(each[:2]), initial=0.0)) for each in drawn.values()), default=1.0) or 1.0
    for axis, (name, (depth, floor, is_dip)) in zip(axes.flat, drawn.items(), strict=False):
        canvas.dress(axis)
        axis.plot([0, most * 1.05], [0, most * 1.05], color=canvas.GREY, linewidth=1, linestyle=":")
        axis.axhline(threshold, color=canvas.INK, linestyle="--", linewidth=1)
        for chosen, color, marker in ((is_dip == 0, canvas.SEED, "o"), (is_dip == 1, canvas.PUBLISHED, "D")):
            axis.plot(floor[chosen], depth[chosen], marker, color=color, markersize=4, alpha=0.7, mew=0)
        judged = ~np.isnan(is_dip)
        axis.set_title(f"{canvas.shorten(name)}: {int(is_dip[judged].sum())} of {int(judged.sum())}", fontsize=10)
        axis.set_xlim(0, most * 1.05)
        axis.set_ylim(0, most * 1.05)
    by_noise = f"{words.worse} that noise makes in {format_percent(1 - words.level)} of seeds"
    for axis in axes[-1]:
        axis.set_xlabel(in_unit(by_noise, words.points), fontsize=9)
    for row in axes:
        row[0].set_ylabel(in_unit(f"largest {words.worse}", words.points), fontsize=9)
    figure.suptitle(title, fontsize=12)
    handles = [
        Line2D([], [], color=canvas.PUBLISHED, marker="D", linestyle="none", markersize=5, label="dip"),
        Line2D([], [], color=canvas.SEED, marker="o", linestyle="none", markersize=5, label="no dip"),
        Line2D([], [], color=canvas.INK, linestyle="--", label="threshold"),
        Line2D([], [], color=canvas.GREY, linestyle=":", label="as much as noise"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return figure
