"""Frozen policies trade the validation part's whole sessions at checkpoints, as a backtest of them would."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from momentum_jax.backtest import backtest
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.session_profit import SessionProfits, TradedSessions, summarize_sessions
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.run_directory import diagnostics_of, load_run, read_config
from momentum_jax.training import runner
from momentum_jax.training.resume.compatibility import stored_run
from tests.quick_programs import compiled_quickly

PPO = PPOConfig(num_steps=64, minibatch_size=64, num_epochs=4, hidden_sizes=(8,), learning_rate=0.01)
MEMORY = dataclasses.replace(PPO, normalize_observations=True, network="gru", lstm_size=4)
SPLIT = {"train_end": "2024-02-09", "validation_end": "2024-02-21", "data_part": "train"}
ARMS = (Arm(name="untrapped", ppo=PPO, env=EnvOptions(trim_reduces_cost=True)), Arm(name="memory", ppo=MEMORY))
LONGER = RunConfig(
    experiment="traded",
    arms=ARMS,
    market=MarketConfig(**SPLIT),
    timesteps=128,
    checkpoints=(32, 64, 96),
    num_seeds=2,
    evaluate_every=2,
)
SHORTER = dataclasses.replace(LONGER, timesteps=64, checkpoints=(32,), evaluate_every=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run that trades at checkpoints; its first half, which does not; and what the first one logged."""
    folder, lines = tmp_path_factory.mktemp("traded"), []
    with compiled_quickly():
        runner.train(LONGER, folder / "longer", lines.append)
        runner.train(SHORTER, folder / "shorter", lambda line: None)
    return folder / "longer", folder / "shorter", lines


@pytest.mark.slow
def test_a_checkpoints_profits_are_those_of_a_backtest_of_the_policy_that_acts_there(runs):
    longer, shorter, _ = runs
    recorded = load_run(longer).isel(checkpoint=-1)  # acted after one update, where the shorter run ends
    with compiled_quickly():
        sessions = backtest.run_backtest(shorter, {"data_part": "validation"}).sessions.isel(symbol=0)
    policies = sessions.sel(policy=["sampled", "greedy"]).transpose("arm", "seed", "policy", "day")
    assert sessions.sizes["day"] == recorded.sizes["session"] == 7
    assert [str(label) for label in recorded.session.values] == [f"{str(day)[:10]} SPY" for day in sessions.day.values]
    np.testing.assert_allclose(recorded.session_pnl, policies.pnl, atol=0.02)
    np.testing.assert_allclose(recorded.validation_pnl, policies.pnl.mean("day"), atol=0.02)
    np.testing.assert_allclose(recorded.validation_trades, policies.trades.mean("day"))
    error = policies.pnl.std("day", ddof=1) / np.sqrt(7)
    np.testing.assert_allclose(recorded.validation_pnl_se, error, rtol=1e-3, atol=0.02)
    assert len(np.unique(recorded.session_pnl)) > 20


@pytest.mark.slow
def test_training_is_the_same_with_and_without(runs):
    longer, shorter = map(load_run, runs[:2])
    assert not [name for name in shorter.variables if name.startswith(("validation", "session"))]
    for name in shorter.data_vars:
        np.testing.assert_array_equal(longer[name].isel(checkpoint=slice(3)), shorter[name], err_msg=name)


@pytest.mark.slow
def test_every_second_checkpoint_and_the_last_are_traded_and_the_log_says_what_it_costs(runs):
    longer, _, lines = runs
    ds = load_run(longer)
    assert ds.env_steps.values.tolist() == [0, 32, 64, 96, 128]
    traded = np.isfinite(ds.session_pnl).all(["arm", "seed", "evaluated", "session"]).values
    assert traded.tolist() == [True, False, True, False, True]
    assert dataclasses.replace(LONGER, evaluate_every=3).traded_checkpoints == (0, 96, 128)
    assert "evaluation: 7 whole session(s) of 7 validation day(s), sampled and greedy, at 3 of 5 checkpoints" in lines
    assert any(line.startswith("evaluation took") for line in lines)
    described = diagnostics_of(ds)
    assert described.dips_in[-1] == "validation_pnl" and described.primary == "hold_pct"
    assert backtest._checkpoints_looked_at(longer, stored_run(longer)) == 3  # trials that deflate a Sharpe ratio
    assert read_config(longer)["data"]["validation_sessions"]["number"] == 7


def test_a_day_is_the_mean_of_its_symbols_and_its_trades_are_added_up():
    sessions = TradedSessions(every=1, labels=("2024-02-12 SPY", "2024-02-12 QQQ", "2024-02-13 SPY"))
    pnl = np.array([[[10.0, 30.0, 50.0, 999.0]]])  # the last one fills a portion up
    found = summarize_sessions(SessionProfits(pnl, pnl / 10), sessions)
    assert found["validation_pnl"].item() == (20 + 50) / 2 and found["validation_trades"].item() == (1 + 3 + 5) / 2
    assert found["validation_pnl_se"].item() == pytest.approx(np.std([20, 50], ddof=1) / np.sqrt(2))
    assert found["session_pnl"].tolist() == [[[10, 30, 50]]]
    one = summarize_sessions(SessionProfits(pnl, pnl), TradedSessions(every=1, labels=sessions.labels[:2]))
    assert np.isnan(one["validation_pnl_se"]).all()


def test_what_cannot_be_traded_is_refused_in_one_line_and_the_remedy_works(tmp_path):
    def refused(config, text):
        with pytest.raises(ConfigError, match=text):
            runner.train(config, tmp_path / "run", lambda line: None)
        assert not (tmp_path / "run").exists()

    refused(
        dataclasses.replace(LONGER, market=MarketConfig()), r"evaluate_every=2 plays on the validation part.*train_end"
    )
    refused(
        dataclasses.replace(LONGER, evaluate_every=5), "counts checkpoints, and the run has 5: 1 is every checkpoint"
    )
    plain = RunConfig(experiment="x", arms=(Arm(name="a"),), environment="CartPole-v1", evaluate_every=1)
    refused(plain, "trades sessions of the environment momentum.*eval_episodes=32")


@pytest.mark.slow
def test_a_run_that_goes_on_trades_as_one_that_was_never_stopped(runs, tmp_path):
    longer, begun = runs[0], dataclasses.replace(SHORTER, evaluate_every=2)
    with compiled_quickly():
        runner.train(begun, tmp_path / "run", lambda line: None)
        runner.train(begun.extended(128, (96,)), tmp_path / "run", lambda line: None, resume=True)
    expected, found = load_run(longer), load_run(tmp_path / "run")
    for name in ("session_pnl", "validation_pnl", "validation_trades", "reward_sum"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert found.session.values.tolist() == expected.session.values.tolist()
    with pytest.raises(ConfigError, match="evaluate_every was 2, now 1"):
        other = dataclasses.replace(begun, evaluate_every=1)
        runner.train(other, tmp_path / "run", lambda line: None, resume=True)
