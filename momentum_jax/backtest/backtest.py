"""A backtest: every policy of a finished run on every session of a part of the data, beside baselines."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax import run_directory
from momentum_jax.backtest import data_parts
from momentum_jax.backtest.entrants import HOLD_BARS, load_programs, mean_pnl_by_hold, with_hold_bars
from momentum_jax.backtest.program import played
from momentum_jax.backtest.results import Arrays, Axes, trade_table
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.baseline_rules import RULES
from momentum_jax.env.contract_checks import check_contracts
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.environment_options import PRESET_MARKETS, PRESETS
from momentum_jax.env.momentum import Momentum, make_market
from momentum_jax.fields import ConfigError
from momentum_jax.market.session_segments import Session
from momentum_jax.run_directory import RunDirectoryError, backtest_files
from momentum_jax.training.resume.compatibility import stored_run

# Of a preset's market the bars of the judged part take only when a close of the VIX is known.
_PRESET_VIX = {
    name: {"vix_timing": market["vix_timing"]} if "vix_timing" in (market := PRESET_MARKETS.get(name, {})) else {}
    for name in PRESETS
}


class Backtest(NamedTuple):
    """What was played."""

    sessions: xr.Dataset  # `run_directory.backtest_names.VARIABLES`
    trades: pd.DataFrame | None  # a row each; None where they are not asked for


def run_backtest(
    run_dir: Path,
    given: Mapping[str, Any],
    *,
    preset: str | None = None,
    allow_overlap: bool = False,
    keep_trades: bool = False,
    check_days: Callable[[int], object] = lambda number: None,
    say: Callable[[str], None] = lambda line: None,
) -> Backtest:
    """Play a part of the data with every arm and seed of a run; the run directory is only read.

    Args:
      run_dir: of a finished run.
      given: market options in place of the run's, `data_part` among them.
      preset: whose rules the sessions are played by in place of each arm's own; observations stay as they are.
      allow_overlap: whether days that the run was trained on may be among the part's.
      keep_trades: whether every trade is kept.
      check_days: takes the number of judged days before anything is played, and raises where it does not do.
      say: takes lines of progress.

    Raises:
      RunDirectoryError: no finished run, or policies that are missing or damaged.
      ConfigError: a run on another environment, or of settings that this program does not know; no such part.
      DataError: bars that cannot be used.
    """
    config, facts = finished_momentum_run(run_dir)
    if preset is not None:
        config, given = _under_preset(run_dir, config, preset), {**_PRESET_VIX[preset], **given}
    parts = data_parts.load_parts(run_dir, config.market, facts, given, allow_overlap)
    check_days(len({session.date for session in parts.judged}))
    options = config.arms[0].env  # whose static switches all arms share
    task = Momentum(options)
    programs = load_programs(run_dir, config, task)
    if not programs.healthy.any():
        raise RunDirectoryError(f"{run_dir}: every seed diverged, so there is no policy to judge: train it again")
    size = f"{config.num_seeds} seeds of {len(config.arms)} arm(s)"
    say(f"{size} on {len(parts.judged)} sessions of data_part={parts.market.data_part}")
    hold_bars = _chosen_hold_bars(task, parts.training, config)
    programs = with_hold_bars(programs, hold_bars)
    market = make_market([session.segment for session in parts.judged], options=options)
    check_contracts(market, config.env_options)
    arrays, tables = Arrays(config, Axes.of(parts.judged)), []
    for entrants, places in zip(programs.entrants, programs.places, strict=True):
        for block in played(task, market, parts.judged, entrants, RULES, keep_trades):
            arrays.add(block, places)
            if keep_trades:
                tables.append(trade_table(block, places, config, parts.judged, market))
    arrays.add_underlying(market)
    found = arrays.dataset(programs.healthy, parts.judged)
    found.attrs = _attributes(run_dir, config, parts, hold_bars, preset)
    return Backtest(found, pd.concat(tables, ignore_index=True) if keep_trades else None)


def finished_momentum_run(run_dir: Path) -> tuple[RunConfig, Mapping[str, Any]]:
    """A run's settings and its record of its data.

    Raises:
      RunDirectoryError: it is none, or has not ended.
      ConfigError: it is on another environment, or was written by a program that recorded other settings.
    """
    stored = run_directory.read_config(run_dir)
    environment = stored.get("environment", MOMENTUM_NAME)
    if environment != MOMENTUM_NAME:
        raise ConfigError(
            f"{run_dir}: is a run on {environment}, and only runs on {MOMENTUM_NAME} trade: for another environment "
            "train with --eval_episodes"
        )
    if any(not isinstance(arm.get(name), Mapping) for arm in stored["arms"] for name in ("env", "ppo")) or (
        not isinstance(stored.get("market"), Mapping)
    ):
        raise RunDirectoryError(
            f"{run_dir}: schema version {stored['schema_version']} did not record the settings of market and arms: "
            f"{run_directory.version_text(stored)}; train it again with this one"
        )
    config = stored_run(run_dir)
    if not run_directory.is_finished(run_dir):
        raise RunDirectoryError(f"{run_dir}: has not ended, so it has no final policies: go on with --resume")
    return config, stored["data"]


def _under_preset(run_dir: Path, config: RunConfig, preset: str) -> RunConfig:
    """The run with a preset's settings of the environment in place of its arms' own, but for what they observe."""
    if any(not set(PRESETS[preset]).isdisjoint(arm.by_seed) for arm in config.arms):
        raise ConfigError(f"{run_dir}: seeds of an arm differ in settings of preset={preset}: leave --preset out")
    settings = {name: value for name, value in PRESETS[preset].items() if name != "account_features"}
    arms = tuple(dataclasses.replace(arm, env=dataclasses.replace(arm.env, **settings)) for arm in config.arms)
    return dataclasses.replace(config, arms=arms)


def _chosen_hold_bars(task: Momentum, training: list[Session], config: RunConfig) -> np.ndarray:
    """Bars [arm, 2] for which calls and puts at strong setups earned most on the training part."""
    market = make_market([session.segment for session in training], options=task.options)
    best = mean_pnl_by_hold(task, market, training, config).argmax(axis=-1)
    return np.asarray(HOLD_BARS, np.int32)[best]


def _attributes(
    run_dir: Path, config: RunConfig, parts: data_parts.Parts, hold_bars: np.ndarray, preset: str | None
) -> dict[str, Any]:
    dates = sorted({session.date for session in parts.training})
    facts = {
        "run_name": run_dir.resolve().name,
        "environment": "" if preset is None else preset,
        "data_part": parts.market.data_part,
        "data_source": parts.market.data_source,
        "data_fingerprint": parts.fingerprint,
        "training_first": str(dates[0]),
        "training_last": str(dates[-1]),
        "training_days": len(dates),
        "training_days_judged": len(parts.shared_dates),
        "sessions_too_short": parts.too_short,
        "checkpoints_looked_at": _checkpoints_looked_at(run_dir, config),
        "config": json.dumps(run_directory.read_config(run_dir)),
        "hold_bars": json.dumps({arm.name: bars.tolist() for arm, bars in zip(config.arms, hold_bars, strict=True)}),
    }
    return facts | {"format": backtest_files.FORMAT}


def _checkpoints_looked_at(run_dir: Path, config: RunConfig) -> int:
    """Checkpoints whose policies were evaluated while the run trained, so that one may have been chosen among them."""
    steps = run_directory.complete_steps(run_dir)
    traded = len(set(steps) & set(config.traded_checkpoints))
    return max(len(steps) if config.eval_episodes else 1, traded)
