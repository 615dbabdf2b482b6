"""Recovery curves with censoring (Kaplan and Meier) and the number still at risk."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.report.formatting import format_percent

Floats = npt.NDArray[np.float64]

_TICKS = 6


def plot_recovery(durations: Mapping[str, tuple[Floats, npt.NDArray[np.bool_]]], title: str) -> Figure:
    """Share of dips that have not come back, against the steps since their onset.

    Args:
        durations: by arm, over the seeds with a dip: steps from onset to recovery (or to the
            run's end where `censored`) ``[seed]``, and `censored` ``[seed]``.
        title: above the figure.
    """
    arms = {arm: pair for arm, pair in durations.items() if len(pair[0])}
    figure = canvas.new_figure(6.8, 4.0 + 0.22 * max(len(arms), 1))
    axis, table = figure.subplots(2, 1, sharex=True, height_ratios=[4, 0.35 + 0.25 * max(len(arms), 1)])
    canvas.dress(axis)
    axis.set_ylim(0, 102)
    axis.set_ylabel("dips not yet recovered, %", fontsize=10)
    styles = canvas.arm_styles(durations)
    for arm, (steps, censored) in arms.items():
        _draw(axis, arm, steps, censored, styles[arm])
    last = max((float(steps.max()) for steps, _ in arms.values()), default=1.0)
    if arms:
        axis.legend(fontsize=9, frameon=False)
    else:
        canvas.nothing_to_draw(axis, "no dip, so nothing to recover from")
    _at_risk(table, arms, styles, np.asarray(MaxNLocator(_TICKS, steps=[1, 2, 5, 10]).tick_values(0, last)))
    axis.set_xlim(0, max(last, 1.0))  # the ticks of the table may go further
    with_band = any(enough(len(steps)) for steps, _ in arms.values())
    band = f" · band: {format_percent(CONFIDENCE)} interval" if with_band else ""
    table.set_xlabel(f"environment steps since the onset{band} · +: run ended first", fontsize=9)
    figure.suptitle(title, fontsize=12)
    return figure


def _draw(axis: Axes, arm: str, steps: Floats, censored: npt.NDArray[np.bool_], style: canvas.ArmStyle) -> None:
    curve = stats.ecdf(stats.CensoredData.right_censored(steps, censored)).sf
    x = np.concatenate([[0], curve.quantiles])
    y = np.concatenate([[1], curve.probabilities])
    axis.step(x, 100 * y, where="post", color=style.color, linestyle=style.linestyle, label=canvas.shorten(arm, 40))
    ends = steps[censored]
    if len(ends):  # an empty line that is not clipped has no extent, and the layout collapses
        at = 100 * y[np.searchsorted(x, ends, side="right") - 1]
        axis.plot(ends, at, "+", color=style.color, markersize=7, clip_on=False)
    if not enough(len(steps)):
        return
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # Where everything is over the interval has no width by formula; the band ends there.
        warnings.simplefilter("ignore", RuntimeWarning)
        bounds: Any = curve.confidence_interval(method="log-log")
    low, high = (np.concatenate([[1], bound.probabilities]) for bound in (bounds.low, bounds.high))
    axis.fill_between(x, 100 * low, 100 * high, step="post", color=style.color, alpha=0.15, linewidth=0)


def _at_risk(
    table: Axes,
    arms: Mapping[str, tuple[Floats, npt.NDArray[np.bool_]]],
    styles: Mapping[str, canvas.ArmStyle],
    at: Floats,
) -> None:
    at = at[at <= max((float(steps.max()) for steps, _ in arms.values()), default=0)]
    for row, (arm, (steps, _)) in enumerate(arms.items()):
        for step in at:
            table.text(step, row, str(int((steps >= step).sum())), ha="center", va="center", fontsize=8,
                       color=styles[arm].color)  # fmt: skip
    table.set_ylim(len(arms) - 0.4, -0.9)
    table.set_yticks(range(len(arms)), [canvas.shorten(arm, 18) for arm in arms], fontsize=8)
    table.set_xticks(at)
    canvas.linear_steps(table)
    table.set_title("dips still at risk", fontsize=8, loc="left", color=canvas.GREY, pad=2)
    table.spines[["top", "right", "left"]].set_visible(False)
    table.tick_params(left=False, labelsize=8)
    table.tick_params(axis="y", pad=16)
