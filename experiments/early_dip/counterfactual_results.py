"""What the replayed updates say: the change of P(HOLD | flat) by path, as a table and a figure, with intervals.

In an update, what the rewards of forced stops do to P(HOLD | flat) is its change as it was less its change with these
rewards at 0. Path A is that difference where the policy learns from flat decisions alone, path B from decisions in
positions alone. Clipping, Adam and the normalisation of advantages are not linear, so the paths need not add up to the
whole: what is left is the interaction. Editing rewards changes the normalisation too, which scales all advantages.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.analysis.report.formatting import format_percent

Floats = npt.NDArray[np.float64]

FILE = "counterfactual.csv"
"""What `counterfactual` writes into a market's folder of the page's data."""
REWARDS = ("as_they_were", "no_stop_reward")
DECISIONS = ("all", "flat", "position")
EFFECTS = {"stops": "the rewards of forced stops", "update": "the whole update"}
PATHS = {
    "all": "all decisions",
    "flat": "A: flat decisions",
    "position": "B: decisions in positions",
    "interaction": "interaction: all less A and B",
}


def table(market: Market) -> pd.DataFrame:
    """Mean change of P(HOLD | flat) by effect and path; empty where nothing was replayed."""
    path = market.folder / FILE
    return effect_table(pd.read_csv(path)) if path.is_file() else pd.DataFrame()


def figure(market: Market) -> Figure | None:
    """What each of tune2's first updates does to P(HOLD | flat), by path."""
    path = market.folder / FILE
    if not path.is_file():
        return None
    replayed = pd.read_csv(path)
    return plot_effects(replayed, f"{market.name}, {replayed['seed'].nunique()} seeds: tune2's first updates by path")


def effects(replayed: pd.DataFrame) -> dict[str, dict[str, Floats]]:
    """Changes of P(HOLD | flat) by effect and path, ``[seed, update]`` in points.

    Args:
        replayed: a row each seed, update, kind of rewards and kind of decisions; see `counterfactual`.
    """
    change = {
        (rewards, decisions): _by_seed(rows)
        for (rewards, decisions), rows in replayed.groupby(["rewards", "decisions"], sort=False)
    }
    as_was, without = ({kind: change[rewards, kind] for kind in DECISIONS} for rewards in REWARDS)
    stops = {kind: as_was[kind] - without[kind] for kind in DECISIONS}
    return {"stops": _with_interaction(stops), "update": _with_interaction(as_was)}


def _by_seed(rows: pd.DataFrame) -> Floats:
    return rows.pivot(index="seed", columns="update", values="change").to_numpy(np.float64)


def _with_interaction(paths: Mapping[str, Floats]) -> dict[str, Floats]:
    return {**paths, "interaction": paths["all"] - paths["flat"] - paths["position"]}


def effect_table(replayed: pd.DataFrame) -> pd.DataFrame:
    """Mean change in points an update by effect, updates and path, with intervals over seeds."""
    updates = np.sort(replayed["update"].unique())
    half = len(updates) // 2
    windows = [updates[:half], updates[half:], updates] if half else [updates]
    rows = []
    for effect, paths in effects(replayed).items():
        for window in windows:
            for path, change in paths.items():
                mean = change[:, np.isin(updates, window)].mean(axis=1)
                row = {"effect": EFFECTS[effect], "updates": f"{window[0]} to {window[-1]}", "path": PATHS[path]}
                rows.append(row | ends("points_an_update", mean_interval(mean)) | {"seeds": len(mean)})
    return pd.DataFrame(rows)


def plot_effects(replayed: pd.DataFrame, title: str) -> Figure:
    """The change of every update by path: a panel for each effect, means with intervals over seeds."""
    figure = canvas.new_figure(10.0, 4.4)
    axes = figure.subplots(1, len(EFFECTS))
    updates = np.sort(replayed["update"].unique())
    for axis, (effect, paths) in zip(axes, effects(replayed).items(), strict=True):
        _plot_paths(axis, updates, paths)
        axis.set_title(EFFECTS[effect], fontsize=10)
    axes[0].set_ylabel("change of exact P(HOLD | flat), points", fontsize=10)
    axes[0].legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=12)
    return figure


def _plot_paths(axis: Axes, updates: npt.NDArray[np.int64], paths: Mapping[str, Floats]) -> None:
    canvas.dress(axis)
    axis.axhline(0, color=canvas.GREY, linewidth=0.8)
    styles = canvas.arm_styles(PATHS)
    for path, change in paths.items():
        middle, low, high = np.array([mean_interval(by_seed)[:3] for by_seed in change.T]).T
        style = styles[path]
        axis.fill_between(updates, low, high, color=style.color, alpha=0.2, linewidth=0)
        axis.plot(updates, middle, color=style.color, linestyle=style.linestyle, label=PATHS[path], linewidth=1.6)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel(f"update (mean over seeds with {format_percent(CONFIDENCE)} interval)", fontsize=9)
