"""The atlas before and after each seed was evaluated on episodes of its own; the training is the same to the bit.

In the first run (commit e0fd377c61 and its neighbours) all seeds of all runs played the same episodes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market

from .measures import Measured, has_own_episodes, measured
from .tables import UNKNOWN, share_of


class First(NamedTuple):
    """An environment in the first run, by the present definitions."""

    dips: int  # seeds
    falls: int  # seeds
    start: float  # reward: mean evaluated return of all seeds at step 0
    lowest: float  # reward: lowest one in the early half


FIRST = {
    "cartpole": First(dips=207, falls=211, start=23.05, lowest=23.05),
    "acrobot": First(dips=0, falls=5, start=-499.1, lowest=-499.1),
    "catch": First(dips=0, falls=0, start=-0.6562, lowest=-0.6851),
    "deep_sea": First(dips=0, falls=0, start=-0.005223, lowest=-0.005223),
    "umbrella_chain": First(dips=0, falls=55, start=0.25, lowest=0.2496),
    "discounting_chain": First(dips=0, falls=107, start=1.037, lowest=1.037),
    "memory_chain": First(dips=0, falls=0, start=0.1875, lowest=0.1289),
    "meta_maze": First(dips=0, falls=0, start=10.09, lowest=7.567),
    "four_rooms": First(dips=206, falls=256, start=0.4564, lowest=0.2997),
    "gaussian_bandit": First(dips=0, falls=0, start=-49.24, lowest=-49.24),
    "breakout": First(dips=0, falls=0, start=0.6255, lowest=0.5659),
    "space_invaders": First(dips=0, falls=12, start=4.234, lowest=4.234),
    "asterix": First(dips=0, falls=64, start=0.7617, lowest=0.5298),
    "freeway": First(dips=0, falls=52, start=0.0, lowest=0.0),
    "cartpole_blines": First(dips=238, falls=254, start=23.09, lowest=23.09),
}


def redrawn(market: Market) -> pd.DataFrame:
    """What changed with episodes of each seed's own: the mean of all seeds, and how many dip and fall.

    `first` columns are of the first run, where all seeds were evaluated on the same episodes.
    """
    again = [one for one in measured(market) if one.entry.part in FIRST and has_own_episodes(market, one.entry.part)]
    return pd.DataFrame([{"environment": one.entry.part} | _beside(FIRST[one.entry.part], one) for one in again])


def _beside(first: First, one: Measured) -> dict[str, Any]:
    rewards, seeds = one.learner.rewards, len(one.learner.seeds)
    lowest = int(rewards[:, one.early].mean(axis=0).argmin())
    row: dict[str, Any] = {"start_first": first.start} | ends("start", mean_interval(rewards[:, 0]))
    row |= {"lowest_first": first.lowest} | ends("lowest", mean_interval(rewards[:, lowest]))
    for name, before, flags in (("dips", first.dips, one.learner.dips), ("falls", first.falls, one.learner.falls)):
        row |= {f"{name}_first_pct": 100 * before / seeds if one.judged else np.nan}
        row |= ends(f"{name}_pct", share_of(flags) if one.judged else UNKNOWN)
    return row
