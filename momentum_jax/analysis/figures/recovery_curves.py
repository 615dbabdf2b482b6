"""Recovery curves with censoring (Kaplan and Meier) and the number still at risk."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.recovery import RecoveryCurve, RecoverySensitivity
from momentum_jax.analysis.report.formatting import format_percent, short_steps

Floats = npt.NDArray[np.float64]

_TICKS = 6


def plot_recovery(recoveries: Mapping[str, RecoverySensitivity], title: str) -> Figure:
    """Share of dips that have not come back, against the steps since their onset.

    Args:
        recoveries: by arm, over the seeds with a dip.
        title: above the figure.
    """
    arms = {arm: found for arm, found in recoveries.items() if _dips(found.interpolated)}
    figure = canvas.new_figure(6.8, 4.0 + 0.22 * max(len(arms), 1))
    axis, table = figure.subplots(2, 1, sharex=True, height_ratios=[4, 0.35 + 0.25 * max(len(arms), 1)])
    canvas.dress(axis)
    axis.set_ylim(0, 102)
    axis.set_ylabel("dips not yet recovered, %", fontsize=10)
    styles = canvas.arm_styles(recoveries)
    for arm, found in arms.items():
        _draw(axis, arm, found, styles[arm])
    last = max((float(found.latest.steps[-1]) for found in arms.values()), default=1.0)
    if arms:
        axis.legend(fontsize=9, frameon=False)
    else:
        canvas.nothing_to_draw(axis, "no dip, so nothing to recover from")
    ticks = np.asarray(MaxNLocator(_TICKS, steps=[1, 2, 5, 10]).tick_values(0, last))
    _at_risk(table, {arm: found.interpolated for arm, found in arms.items()}, styles, ticks)
    axis.set_xlim(0, max(last, 1.0))  # the ticks of the table may go further
    with_band = any(enough(_dips(found.interpolated)) for found in arms.values())
    band = f" · band: {format_percent(CONFIDENCE)} interval" if with_band else ""
    marks = "+: run ended first · dotted: all back at the checkpoint before, and after"
    table.set_xlabel(f"environment steps since the onset{band}\n{marks}", fontsize=9)
    figure.suptitle(title, fontsize=12)
    return figure


def _dips(curve: RecoveryCurve) -> int:
    return int(curve.at_risk[0]) if len(curve.at_risk) else 0


def _draw(axis: Axes, arm: str, found: RecoverySensitivity, style: canvas.ArmStyle) -> None:
    curve = found.interpolated
    x, y = _outline(curve, curve.recovered)
    label = f"{canvas.shorten(arm, 40)}{_half_back(curve)}"
    axis.step(x, y, where="post", color=style.color, linestyle=style.linestyle, label=label)
    for end in (found.earliest, found.latest):
        axis.step(*_outline(end, end.recovered), where="post", color=style.color, linestyle=":", linewidth=0.6)
    ends = curve.censored_steps
    if len(ends):  # an empty line that is not clipped has no extent, and the layout collapses
        at = y[np.searchsorted(x, ends, side="right") - 1]
        axis.plot(ends, at, "+", color=style.color, markersize=7, clip_on=False)
    if enough(_dips(curve)):
        low, high = (_outline(curve, limit)[1] for limit in (curve.high, curve.low))
        axis.fill_between(x, low, high, step="post", color=style.color, alpha=0.15, linewidth=0)


def _half_back(curve: RecoveryCurve) -> str:
    """When half of the dips are over, with the interval where seeds are enough; empty where that was not reached."""
    if not np.isfinite(curve.median):
        return ""
    ends = [short_steps(round(end)) if np.isfinite(end) else "…" for end in (curve.median_low, curve.median_high)]
    interval = f" [{', '.join(ends)}]" if enough(_dips(curve)) else ""
    return f", half back after {short_steps(round(curve.median))}{interval}"


def _outline(curve: RecoveryCurve, recovered: Floats) -> tuple[Floats, Floats]:
    """Steps and percent not recovered, from the onset on."""
    return np.concatenate([[0.0], curve.steps]), 100 * np.concatenate([[1.0], 1 - recovered])


def _at_risk(table: Axes, arms: Mapping[str, RecoveryCurve], styles: Mapping[str, canvas.ArmStyle], at: Floats) -> None:
    at = at[at <= max((float(curve.steps[-1]) for curve in arms.values()), default=0)]
    for row, (arm, curve) in enumerate(arms.items()):
        for step in at:
            place = np.searchsorted(curve.steps, step)
            number = int(curve.at_risk[place]) if place < len(curve.steps) else 0
            table.text(step, row, str(number), ha="center", va="center", fontsize=8, color=styles[arm].color)
    table.set_ylim(len(arms) - 0.4, -0.9)
    table.set_yticks(range(len(arms)), [canvas.shorten(arm, 18) for arm in arms], fontsize=8)
    table.set_xticks(at)
    canvas.linear_steps(table)
    table.set_title("dips still at risk", fontsize=8, loc="left", color=canvas.GREY, pad=2)
    table.spines[["top", "right", "left"]].set_visible(False)
    table.tick_params(left=False, labelsize=8)
    table.tick_params(axis="y", pad=16)
