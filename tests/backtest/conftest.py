"""One small finished run with a test part, and its backtest."""

from __future__ import annotations

import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.quick_programs import compiled_quickly

SPLIT = {"train_end": "2024-01-31", "validation_end": "2024-03-20", "data_part": "train"}
PPO = PPOConfig(num_steps=64, minibatch_size=64, num_epochs=4, hidden_sizes=(8,), learning_rate=0.01)
OTHER = PPOConfig(**{**PPO.__dict__, "normalize_observations": True, "network": "gru", "lstm_size": 4})
ARMS = (
    Arm(name="plain", ppo=PPO),
    Arm(name="untrapped", ppo=PPO, env=EnvOptions(trim_reduces_cost=True, put_sign=-1.0)),
    Arm(name="memory", ppo=OTHER),
)
CONFIG = RunConfig(
    experiment="traded", arms=ARMS, market=MarketConfig(**SPLIT), timesteps=128, checkpoints=(64,), num_seeds=2
)


@pytest.fixture(scope="package", autouse=True)
def quick_programs():
    """Nothing here compares two programs bit by bit."""
    with compiled_quickly():
        yield


@pytest.fixture(scope="package")
def finished_run(tmp_path_factory):
    from momentum_jax.training import runner

    run_dir = tmp_path_factory.mktemp("traded") / "run"
    runner.train(CONFIG, run_dir, lambda line: None)
    return run_dir


@pytest.fixture(scope="package")
def backtested(finished_run):
    from momentum_jax.backtest.backtest import run_backtest

    return run_backtest(finished_run, {"data_part": "test"}, keep_trades=True)
