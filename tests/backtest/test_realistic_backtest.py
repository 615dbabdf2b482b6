"""A backtest under the realistic rules: costs, expiry at the close, account features, and policies trained without."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from momentum_jax.backtest.backtest import run_backtest
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import rules
from momentum_jax.env.environment_options import PRESET_MARKETS, PRESETS, EnvOptions
from momentum_jax.market.dataset import load_dataset
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.session_segments import cut_into_sessions
from momentum_jax.policy import load_policy
from momentum_jax.training import runner
from tests.backtest.conftest import PPO, SPLIT
from tests.backtest.one_session import play_session
from tests.backtest.test_backtest import assert_traded_alike, greedy
from tests.quick_programs import compiled_quickly

MARKET = SPLIT | PRESET_MARKETS["realistic"] | {"symbols": ("SPY",)}
OPTIONS = EnvOptions(**PRESETS["realistic"])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    arms = (Arm(name="costly", ppo=PPO, env=OPTIONS),)
    config = RunConfig(
        experiment="real", arms=arms, market=MarketConfig(**MARKET), timesteps=128, checkpoints=(64,), num_seeds=2
    )
    run_dir = tmp_path_factory.mktemp("realistic") / "run"
    with compiled_quickly():
        runner.train(config, run_dir, lambda line: None)
    return run_dir


@pytest.fixture(scope="module")
def found(run_dir):
    with compiled_quickly():
        return run_backtest(run_dir, {"data_part": "test"}, keep_trades=True)


@pytest.fixture(scope="module")
def session():
    market = MarketConfig(**MARKET | {"data_part": "test", "segments": "all"})
    return cut_into_sessions(load_dataset(market).segments)[1]


def test_trades_and_costs_are_those_of_the_public_environment(found, run_dir, session):
    own = found.sessions.sel(arm="costly", seed=1, symbol="SPY").isel(day=1)
    assert_traded_alike(
        own.sel(policy="greedy"), play_session(session.segment, OPTIONS, greedy(load_policy(run_dir, "costly", 1)))
    )
    calls = lambda observation, mask, state, params: rules.BUY_CALL if mask[rules.BUY_CALL] else rules.HOLD  # noqa: E731
    assert_traded_alike(own.sel(policy="call"), play_session(session.segment, OPTIONS, calls))
    assert found.sessions.forced_stops.sel(policy="call").sum() > 0  # same-day options lose 15 % in no time


def test_trading_at_random_pays_the_costs(found):
    random = found.sessions.sel(policy="random")
    per_trade = random.pnl.sum() / random.trades.sum()
    # Twice 2.2 % of 7 000 dollars and the commission, on average over many trades.
    assert -600 < per_trade < -150


def test_fills_are_at_the_next_close(found, session):
    """A session's first decision is filled at the close of its bar 20, 09:50; the last sale is at its last bar."""
    calls = found.trades[(found.trades.policy == "call") & (found.trades.entry_time.dt.date == session.date)]
    assert str(calls.entry_time.iloc[0].time()) == "09:50:00"
    assert calls.sold_by.iloc[-1] in ("close", "forced stop")
    last = calls[calls.sold_by == "close"].exit_time
    assert (last == pd.Timestamp(session.segment.bar_time_ns[-1])).all()


@pytest.mark.slow
def test_a_policy_of_the_reference_plays_by_realistic_rules(finished_run, session):
    found = run_backtest(finished_run, {"data_part": "test"}, preset="realistic").sessions
    assert found.attrs["environment"] == "realistic"
    options = dataclasses.replace(OPTIONS, account_features=False)
    played = play_session(session.segment, options, greedy(load_policy(finished_run, "plain", 1)))
    assert_traded_alike(found.sel(arm="plain", seed=1, policy="greedy", symbol="SPY").isel(day=1), played)
    # All arms trade in one environment then, and the baselines with them.
    np.testing.assert_array_equal(*(found.pnl.sel(policy="call", arm=arm) for arm in ("plain", "untrapped")))
