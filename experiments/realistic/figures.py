"""The figures of the study, a function each, from one market's kept data; None where a part is missing."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.figures.daily_trading import plot_equity
from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.run_directory.backtest_names import NOTHING, UNDERLYING, WAYS

from . import arms, tables
from .claims import PLACE
from .judged_days import evaluations

_ARMS = {
    arms.TUNE2.name: "tune2",
    arms.REALISTIC.name: "realistic",
    arms.WITHOUT_COSTS.name: "without costs",
    arms.SHAPED.name: "shaped",
    arms.PERMUTED.name: "realistic, permuted",
}


def p_hold(market: Market) -> Figure | None:
    """Every seed's exact P(HOLD | flat): the published setting, prices that are right, and rewards in random order."""
    curves: dict[str, np.ndarray] = {}
    steps = np.zeros(0, np.int64)
    for ds in market.parts.values():
        derived, steps = derive_curves(ds)["p_hold"].transpose("arm", "seed", "checkpoint"), ds["env_steps"].values
        curves |= {str(arm): derived.sel(arm=arm).values for arm in ds["arm"].values}
    found = {words: curves[arm] for arm, words in _ARMS.items() if arm in curves}
    return plot_curves(steps, {"exact P(HOLD) %": found}, f"{market.name}: P(HOLD | flat)") if found else None


def validation(market: Market) -> Figure | None:
    """Profit on validation days at checkpoints, median and quartiles over seeds; the dotted line is at 8k."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for arm, way, curve in tables.profits(market):
        found.setdefault(arm, {})[way] = curve.values
        steps = curve["env_steps"].values
    if not found:
        return None
    figure, axes = canvas.panels(len(found), width=3.8, height=3.2, margin=0.7)
    for axis, (arm, by_way) in zip(axes, found.items(), strict=True):
        canvas.dress(axis)
        for style, (way, values) in zip(canvas.STYLES, by_way.items(), strict=False):
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
            axis.fill_between(steps, low, high, color=style.color, alpha=0.22, linewidth=0)
            axis.plot(steps, middle, color=style.color, linestyle=style.linestyle, linewidth=1.8, label=way)
        axis.axhline(0, color=canvas.INK, linewidth=0.8)
        axis.axvline(PLACE, color=canvas.GREY, linewidth=0.8, linestyle=":")
        axis.set_title(_ARMS[arm], fontsize=10)
        canvas.log_steps(axis, steps)
        axis.set_xlabel("environment steps", fontsize=9)
    axes[0].set_ylabel("dollars a session on 100 000", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    figure.suptitle(f"{market.name}: profit on validation days while training", fontsize=12)
    return figure


def equity(market: Market) -> Figure | None:
    """Cumulated profit on unseen days, all policies with all costs: median and quartiles over seeds; two baselines."""
    judged = evaluations(market)
    by_arm = {arm: results for results in judged.values() for arm in results.arms}
    shown = {
        words: {way: by_arm[arm].of("pnl", arm, way) for way in WAYS} for arm, words in _ARMS.items() if arm in by_arm
    }
    if not shown:
        return None
    first = next(iter(judged.values()))
    baselines = {name: first.of("pnl", first.arms[0], name) for name in (NOTHING, UNDERLYING)}
    return plot_equity(first.days, shown, baselines, f"{market.name}: equity on unseen days, after costs")
