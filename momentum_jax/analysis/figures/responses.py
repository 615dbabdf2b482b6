"""A number against a dose, one line per setting, with intervals; and shares by cause."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.report.formatting import format_percent

Floats = npt.NDArray[np.float64]


def plot_responses(lines: Mapping[str, Mapping[float, Floats]], x_label: str, y_label: str, title: str) -> Figure:
    """Means over every seed's own value, with 95 % BCa intervals where seeds are enough.

    Args:
        lines: by label, by dose, the outcome of each seed ``[seed]``.
        x_label: what is dosed.
        y_label: the outcome, with its unit.
        title: above the figure.
    """
    figure = canvas.new_figure(7.0, 4.6)
    axis = figure.subplots()
    canvas.dress(axis)
    styles = canvas.arm_styles(lines)
    intervals = False
    for label, by_dose in lines.items():
        style, doses = styles[label], np.array(list(by_dose))
        means = np.array([mean_interval(values)[:3] for values in by_dose.values()])
        known = [enough((~np.isnan(values)).sum()) for values in by_dose.values()]
        ends = np.where(known, np.maximum([means[:, 0] - means[:, 1], means[:, 2] - means[:, 0]], 0), np.nan)
        intervals = intervals or any(known)
        for dose, values in by_dose.items():
            axis.plot(np.full(len(values), dose), values, "_", color=style.color, markersize=8, alpha=0.35)
        axis.errorbar(doses, means[:, 0], yerr=ends, marker=style.marker, color=style.color, label=label,
                      linestyle=style.linestyle, capsize=4, linewidth=1.6)  # fmt: skip
    axis.set_ylim(bottom=0)
    axis.set_xticks(sorted({dose for by_dose in lines.values() for dose in by_dose}))
    mean = f"mean with {format_percent(CONFIDENCE)} interval" if intervals else "mean"
    axis.set_xlabel(f"{x_label} (dash: one seed; dot: {mean})", fontsize=9)
    axis.set_ylabel(y_label, fontsize=10)
    axis.legend(fontsize=9, frameon=False)
    figure.suptitle(title, fontsize=12)
    return figure


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
