"""Walk-forward folds: what is chosen on the days before a fold is judged on the fold.

The policies are frozen, so nothing is trained again. What can be chosen on earlier days is which policy to trust: the
arm, the seed and the way of acting. The day before a fold belongs to neither side, as bars before a boundary of the
data parts do (`market.train_test_split`): a window there could hold bars of both.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.scorecard import shown_rows
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory.backtest_names import WAYS

EMBARGO_DAYS = 1
"""Days before a fold that nothing is chosen on: they hold the 20 bars that the data parts purge."""


class Fold(NamedTuple):
    """Days by position."""

    before: range  # what may be chosen on; empty in the first fold
    days: range  # what is judged


def folds(num_days: int, number: int) -> list[Fold]:
    """So many consecutive folds of nearly equal length.

    Raises:
        ConfigError: a fold would be shorter than the embargo and one day.
    """
    most = num_days // (EMBARGO_DAYS + 1)
    if not 2 <= number <= max(most, 1):
        raise ConfigError(
            f"folds={number} of {num_days} days: give at least 2"
            + (f" and at most {most}" if most >= 2 else ", and evaluate more days")
        )
    ends = np.linspace(0, num_days, number + 1).round().astype(int).tolist()
    return [Fold(range(0, max(start - EMBARGO_DAYS, 0)), range(start, end)) for start, end in itertools.pairwise(ends)]


def by_fold(results: DailyResults, number: int) -> pd.DataFrame:
    """Mean P&L a day in dollars of each arm and policy in each fold, seeds together.

    Returns:
        Columns ``arm, policy``, and for each fold one that names its first and last day.
    """
    rows = []
    for arm, policy in shown_rows(results):
        pnl = results.of("pnl", arm, policy)
        means = {_label(results, fold): float(pnl[:, fold.days].mean()) for fold in folds(results.num_days, number)}
        rows.append({"arm": arm, "policy": policy} | means)
    return pd.DataFrame(rows)


def chosen_by_fold(results: DailyResults, number: int) -> pd.DataFrame:
    """The policy that earned most before each fold, and what it earns in it.

    Returns:
        Columns ``fold, days, chosen_arm, chosen_policy, chosen_seed, pnl_before`` and ``pnl_in_fold``, dollars a day.
        Nothing can be chosen for the first fold.
    """
    return pd.DataFrame([_chosen(results, fold) for fold in folds(results.num_days, number)[1:]])


def _chosen(results: DailyResults, fold: Fold) -> dict[str, object]:
    earned = {
        (arm, way, place): mean
        for arm in results.arms
        for way in WAYS
        for place, mean in enumerate(results.of("pnl", arm, way)[:, fold.before].mean(axis=1).tolist())
    }
    arm, way, place = max(earned, key=lambda policy: earned[policy])
    return {
        "fold": _label(results, fold),
        "days": len(fold.days),
        "chosen_arm": arm,
        "chosen_policy": way,
        "chosen_seed": results.seeds(arm)[place],
        "pnl_before": earned[arm, way, place],
        "pnl_in_fold": float(results.of("pnl", arm, way)[place, fold.days].mean()),
    }


def _label(results: DailyResults, fold: Fold) -> str:
    first, last = (str(pd.Timestamp(results.days[day]).date()) for day in (fold.days[0], fold.days[-1]))
    return f"{first} to {last}"
