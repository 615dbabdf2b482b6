"""The runs of a finished run directory as entrants of a backtest: settings, seeds, saved policies."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from momentum_jax.backtest import saved_policies
from momentum_jax.backtest.program import Entrants, played
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env import baselines
from momentum_jax.env.baseline_rules import RULES
from momentum_jax.env.device_market import Market
from momentum_jax.env.momentum import Momentum
from momentum_jax.market.session_segments import Session
from momentum_jax.run_directory import failed_seeds
from momentum_jax.training.runs import Run

HOLD_BARS = (5, 10, 20, 30, 60, 120)
"""Bars that a strong setup's position may be held: what the training part chooses from."""


class Programs(NamedTuple):
    """What is played: entrants of each compiled program, and which runs (arm, seed) they are."""

    entrants: list[Entrants]
    places: list[np.ndarray]  # [run, 2] int: positions of arm and seed
    healthy: np.ndarray  # [arm, seed] bool


def load_programs(run_dir: Path, config: RunConfig, task: Momentum) -> Programs:
    """Every arm and seed with its saved policy; one program for arms that agree in every static field.

    Raises:
      RunDirectoryError: policies are missing or damaged.
    """
    healthy = ~failed_seeds(run_dir)
    entrants, places = [], []
    for arms in config.programs:
        runs: list[Run] = []
        policies = []
        for arm in arms:
            found = saved_policies.load(run_dir, config.arms[arm], task, config.num_seeds)
            healthy[arm] &= saved_policies.finite(found, config.num_seeds)
            for seed in range(config.num_seeds):
                runs.append(_run(config, arm, seed))
                policies.append(jax.tree.map(lambda leaf, place=seed: leaf[place], found))
        nothing = np.ones((len(runs), len(RULES)), np.int32)
        entrants.append(Entrants(runs, nothing, policies))
        places.append(np.asarray([(arm, seed) for arm in arms for seed in range(config.num_seeds)]))
    return Programs(entrants, places, healthy)


def with_hold_bars(programs: Programs, chosen: np.ndarray) -> Programs:
    """The same with the bars [arm, 2] that calls and puts at strong setups are held."""
    columns = [RULES.index(baselines.STRONG_CALL), RULES.index(baselines.STRONG_PUT)]
    entrants = []
    for each, places in zip(programs.entrants, programs.places, strict=True):
        bars = each.hold_bars.copy()
        bars[:, columns] = chosen[places[:, 0]]
        entrants.append(each._replace(hold_bars=bars))
    return programs._replace(entrants=entrants)


def mean_pnl_by_hold(task: Momentum, market: Market, sessions: Sequence[Session], config: RunConfig) -> np.ndarray:
    """Mean P&L a session of strong setups held for each of `HOLD_BARS`, [arm, 2, bars]: calls, puts.

    Each arm's environment plays with its first seed's options.
    """
    rules = [name for name in (baselines.STRONG_CALL, baselines.STRONG_PUT) for _ in HOLD_BARS]
    bars = np.tile(np.asarray(HOLD_BARS * 2, np.int32), (1, 1))
    # Rules read nothing of the learner, so that arms of all programs play in one.
    runs = [dataclasses.replace(_run(config, arm, 0), config=config.arms[0].ppo) for arm in range(len(config.arms))]
    entrants = Entrants(runs, np.repeat(bars, len(runs), axis=0), [])
    total = np.zeros((len(runs), len(rules)))
    for block in played(task, market, sessions, entrants, rules):
        total[list(block.runs)] += np.asarray(block.tally.pnl, np.float64).sum(axis=-1)
    return (total / len(sessions)).reshape(len(runs), 2, -1)


def _run(config: RunConfig, arm: int, seed: int) -> Run:
    own = config.arms[arm].of_seed(seed)
    return Run(seed=config.seeds[seed], config=own.ppo, options=own.env, redrawn_streams=own.redrawn_streams)
