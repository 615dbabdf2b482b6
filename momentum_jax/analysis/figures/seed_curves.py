"""Every seed's curve, the median and its simultaneous band, on logarithmic steps."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.bands import simultaneous_band
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS, enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.resampling import centre_of
from momentum_jax.analysis.report.formatting import format_percent

Curves = Mapping[str, npt.NDArray[np.float64]]


def plot_curves(
    env_steps: npt.NDArray[np.int64],
    metrics: Mapping[str, Curves],
    title: str,
    percentages: Container[str] | None = None,
) -> Figure:
    """One column per arm (the first six) and one row per metric; the metrics of a single arm lie side by side.

    Args:
        env_steps: ``[K]``.
        metrics: by label, by arm, curves ``[seed, K]``.
        title: above the figure.
        percentages: labels of the metrics that are drawn from 0 to 100; None for all.
    """
    arms = list(next(iter(metrics.values())))[: canvas.MAX_ARMS]
    rows, columns = (1, len(metrics)) if len(arms) == 1 else (len(metrics), len(arms))
    figure = canvas.new_figure(max(3.2 * columns, 6.5), 2.7 * rows + 1.0)
    bounded = [percentages is None or label in percentages for label in metrics]
    # Metrics in units of their own share no axis; those of several arms do, along their row.
    shared: Literal["all", "row", "none"] = "all" if all(bounded) else "row" if len(arms) > 1 else "none"
    axes = figure.subplots(rows, columns, sharex=True, sharey=shared, squeeze=False).reshape(len(metrics), len(arms))
    for row, (label, curves), is_bounded in zip(axes, metrics.items(), bounded, strict=True):
        for axis, arm in zip(row, arms, strict=True):
            _draw(axis, env_steps, curves[arm])
            canvas.dress(axis)
            canvas.log_steps(axis, env_steps)
        row[0].set_ylabel(label, fontsize=10)
        if is_bounded:
            row[0].set_ylim(0, 100)
    for axis, arm in zip(axes[0], arms, strict=True):
        axis.set_title(canvas.shorten(arm), fontsize=11)
    for axis in axes[-1] if len(arms) > 1 else axes.flat:
        axis.set_xlabel("environment steps", fontsize=9)
    figure.suptitle(title, fontsize=12)
    with_band = any(_has_band(curves[arm]) for curves in metrics.values() for arm in arms)
    figure.legend(handles=_handles(with_band), loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure


def _draw(axis: Axes, env_steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> None:
    canvas.seed_lines(axis, env_steps, values, least_alpha=0.12)
    if _has_band(values):
        band = simultaneous_band(values, centre="median")
        axis.fill_between(env_steps, band.low, band.high, color=canvas.MEDIAN, alpha=0.3, linewidth=0)
    axis.plot(env_steps, centre_of(values, "median"), color=canvas.MEDIAN, linewidth=1.8)


def _has_band(values: npt.NDArray[np.float64]) -> bool:
    """Whether enough seeds have a value anywhere."""
    return enough((~np.isnan(values)).sum(axis=0).max(initial=0))


def _handles(with_band: bool) -> list[Line2D | Patch]:
    band = Patch(color=canvas.MEDIAN, alpha=0.3, label=f"{format_percent(CONFIDENCE)} band of the whole median curve")
    no_band = Patch(color="none", label=f"fewer than {MIN_SEEDS} seeds: no band")
    return [
        Line2D([], [], color=canvas.SEED, linewidth=1.2, label="one seed"),
        Line2D([], [], color=canvas.MEDIAN, linewidth=2, label="median"),
        band if with_band else no_band,
    ]
