"""Prevalence against the dose of a setting, with the return below it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval

Floats = npt.NDArray[np.float64]


def plot_dose(
    setting: str, doses: Sequence[float], dipped: Sequence[npt.NDArray[np.bool_]], returns: Sequence[Floats], title: str
) -> Figure:
    """Share of seeds with a dip (95 % Wilson intervals) above the mean return (95 % BCa intervals).

    A dose with too few seeds has no interval (see `few_seeds`).

    Args:
        setting: name of what is dosed.
        doses: one number per arm.
        dipped: per arm ``[seed]``, whether the seed has a dip.
        returns: per arm ``[seed]``, reward per 1 000 steps late in the run; NaN where there is none.
        title: above the figure.
    """
    order = np.argsort(doses)
    x = np.asarray(doses, np.float64)[order]
    figure = canvas.new_figure(6.5, 5.6)
    above, below = figure.subplots(2, 1, sharex=True)
    shares = [wilson_interval(int(dipped[index].sum()), len(dipped[index])) for index in order]
    means = [mean_interval(returns[index]) for index in order]
    known = [enough(len(dipped[index])) for index in order]
    for axis, intervals, factor in ((above, shares, 100), (below, means, 1)):
        middle, low, high = (factor * np.array([interval[part] for interval in intervals]) for part in range(3))
        ends = np.where(known, np.maximum([middle - low, high - middle], 0), np.nan)
        axis.errorbar(x, middle, yerr=ends, fmt="o-", color=canvas.MEDIAN, capsize=4, linewidth=1.2, zorder=3)
        canvas.dress(axis)
    for dose, index in zip(x, order, strict=True):
        values = returns[index]
        below.plot(np.full(len(values), dose), values, "_", color=canvas.SEED, markersize=9, alpha=0.7)
        above.annotate(
            f"{int(dipped[index].sum())}/{len(dipped[index])}", (dose, 0), (0, 3), textcoords="offset points",
            ha="center", fontsize=8, color=canvas.GREY,
        )  # fmt: skip
    above.set_ylim(0, 102)
    above.set_ylabel("seeds with a dip, %", fontsize=10)
    below.set_ylabel("reward per 1 000 steps\nin the last fifth", fontsize=10)
    below.set_xlabel(setting, fontsize=10)
    below.set_xticks(x, [f"{dose:g}" for dose in x])
    figure.suptitle(title, fontsize=12)
    return figure
