"""What predicts the depth of a dip, and whether the policy or the visited states changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.predictors import FEWEST_SEEDS

Floats = npt.NDArray[np.float64]


def plot_predictors(
    predictors: pd.DataFrame,
    env_steps: npt.NDArray[np.int64],
    split: Mapping[str, tuple[Floats, Floats]],
    title: str,
    moved: str = "the metric",
) -> Figure:
    """Predictors' R² and AUROC on the left, the policy/visit split of a share's changes on the right.

    Args:
        predictors: columns ``predictor, r2, r2_low, r2_high, auroc``; empty where the run has no such step.
        env_steps: ``[K]`` ends of the windows that the changes lead to.
        split: by arm, mean policy and visit parts summed since the first window, ``[K]``, in
            points; empty where there is nothing to split, so that no panel is drawn of it.
        title: above the figure.
        moved: whose changes are split.
    """
    widths = [1, 1, 1.7] if split else [1, 1]
    figure = canvas.new_figure(10.5 if split else 8.0, max(3.6, 0.32 * len(predictors) + 1.8))
    left, middle, *right = figure.subplots(1, len(widths), width_ratios=widths)
    labels = [] if predictors.empty else list(predictors["predictor"])
    _scores(left, predictors, "r2", "out-of-fold R² of depth", 0.0)
    _scores(middle, predictors, "auroc", "AUROC of a deep dip", 0.5)
    left.set_yticks(range(len(labels)), labels, fontsize=9)
    middle.set_yticks(range(len(labels)), [""] * len(labels))
    middle.set_xlim(-0.04, 1.04)
    if split:
        _split(right[0], env_steps, split, moved)
    figure.suptitle(title, fontsize=12)
    return figure


def _scores(axis: Axes, predictors: pd.DataFrame, name: str, label: str, chance: float) -> None:
    canvas.dress(axis)
    axis.set_ylim(max(len(predictors), 1) - 0.5, -0.5)
    axis.set_title(label, fontsize=10)
    if predictors.empty or predictors[name].isna().all():
        axis.set_xticks([])
        canvas.nothing_to_draw(axis, f"not measurable:\nfewer than {FEWEST_SEEDS} seeds,\nor all alike")
        return
    rows = np.arange(len(predictors))
    axis.axvline(chance, color=canvas.GREY, linestyle="--", linewidth=1)
    if {f"{name}_low", f"{name}_high"} <= set(predictors.columns):
        axis.hlines(rows, predictors[f"{name}_low"], predictors[f"{name}_high"], color=canvas.SEED, linewidth=3)
    axis.plot(predictors[name], rows, "o", color=canvas.MEDIAN, markersize=6)


def _split(
    axis: Axes, env_steps: npt.NDArray[np.int64], split: Mapping[str, tuple[Floats, Floats]], moved: str
) -> None:
    canvas.dress(axis)
    axis.axhline(0, color=canvas.GREY, linewidth=0.8)
    styles = canvas.arm_styles(split)
    for arm, (policy, visit) in list(split.items())[: canvas.MAX_ARMS]:
        axis.plot(env_steps, policy, color=styles[arm].color, linewidth=1.8)
        axis.plot(env_steps, visit, color=styles[arm].color, linewidth=1.4, linestyle=":")
    canvas.log_steps(axis, env_steps)
    axis.set_xlabel("environment steps", fontsize=9)
    axis.set_ylabel("points", fontsize=9)
    axis.set_title(f"change of {moved} since the first window", fontsize=10)
    arms = (
        [Line2D([], [], color=styles[arm].color, label=canvas.shorten(arm)) for arm in split] if len(split) > 1 else []
    )
    parts = [
        Line2D([], [], color=canvas.INK, label="policy part"),
        Line2D([], [], color=canvas.INK, linestyle=":", label="state-visit part"),
    ]
    axis.legend(handles=[*parts, *arms[: canvas.MAX_ARMS]], fontsize=8, frameon=False)
