"""The momentum environment's policies are evaluated on the validation part of the data that they are trained on."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.evaluation import Evaluation, summarize
from momentum_jax.env import registry
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum, make_market, typed_options
from momentum_jax.fields import ConfigError
from momentum_jax.market.dataset import load_dataset
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo import learner, playing
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.run_directory import diagnostics_of, load_run, read_config
from momentum_jax.training import runner
from tests.markets import make_segment

PPO = PPOConfig(num_steps=64, minibatch_size=64, num_epochs=1, hidden_sizes=(8,))
SPLIT = {"train_end": "2024-02-09", "validation_end": "2024-03-01", "data_part": "train"}
TASK = Momentum()


def config(market, **settings):
    arms = (Arm(name="a", ppo=PPO), Arm(name="bonus", ppo=PPO, env=EnvOptions(call_bonus=0.5)))
    own = {"timesteps": 128, "checkpoints": (64,), "num_seeds": 2, "eval_episodes": 3, "eval_max_steps": 30}
    return RunConfig(experiment="validated", arms=arms, market=MarketConfig(**market), **own | settings)


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("validated") / "run"
    runner.train(config(SPLIT), run_dir, lambda line: None)
    return run_dir


@pytest.mark.slow
def test_episodes_are_played_on_the_validation_part_with_the_arms_own_rewards(validated):
    ds, (train, validation) = (
        load_run(validated),
        (load_dataset(MarketConfig(**SPLIT | {"data_part": part})) for part in ("train", "validation")),
    )
    stored = read_config(validated)
    assert stored["data"]["evaluation"] == {"part": "validation", "fingerprint": validation.describe()["fingerprint"]}
    assert stored["data"]["fingerprint"] == train.describe()["fingerprint"]
    assert diagnostics_of(ds).primary == "hold_pct" and "eval_return" in diagnostics_of(ds).dips_in
    assert (ds.eval_length == 30).all() and (ds.eval_cut_off == 1).all()
    shared, elsewhere = (make_market(part.segments, "first") for part in (train, validation))
    evaluate = jax.jit(lambda env_params, plan, state: learner.evaluate(TASK, PPO, env_params, plan, 0, state))
    for arm, options in (("a", EnvOptions()), ("bonus", EnvOptions(call_bonus=0.5))):
        env_params = TASK.bind(shared, typed_options(options))
        state = learner.init(TASK, PPO, env_params, seed_streams(0))
        on = {
            name: summarize(evaluate(env_params, playing.plan_of(Evaluation(episodes=3, max_steps=30), where), state))
            for name, where in (("validation", elsewhere), ("train", shared))
        }
        recorded = ds.eval_return.sel(arm=arm, seed=0, checkpoint=0).values
        np.testing.assert_allclose(recorded, on["validation"]["eval_return"], rtol=1e-5)
        assert not np.allclose(recorded, on["train"]["eval_return"])
    first, second = (ds.eval_return.sel(arm=arm, checkpoint=0).values for arm in ("a", "bonus"))
    assert not np.array_equal(first, second)


def test_windows_start_anywhere_in_a_segment_and_end_before_it_does():
    market = make_market([make_segment(num_bars=60), make_segment(num_bars=40, seed=1)])
    draw = jax.jit(jax.vmap(market.draw_window, in_axes=(0, None)))
    starts = np.asarray(draw(jax.random.split(jax.random.key(0), 4_000), 10))
    allowed = [np.arange(start, end - 10 + 1) for start, end in zip(market.starts, market.ends, strict=True)]
    assert set(starts.tolist()) == set(np.concatenate(allowed).tolist())
    # A window that is longer than a segment starts with it.
    assert set(np.asarray(draw(jax.random.split(jax.random.key(1), 50), 10_000)).tolist()) == set(
        np.asarray(market.starts).tolist()
    )


def test_a_run_without_a_validation_part_is_refused_and_the_remedy_works(tmp_path):
    asked = dataclasses.replace(config({}), eval_max_steps=None)
    with pytest.raises(ConfigError, match=r"eval_episodes=3 plays on the validation part of the data.*data_part=train"):
        runner.train(asked, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="validation_end=None"):
        runner.train(config({"data_part": "train", "train_end": "2024-02-09"}), tmp_path / "run")
    remedied = dataclasses.replace(asked, market=MarketConfig(**SPLIT))
    environment = registry.find("momentum", remedied.market)
    assert environment.load(evaluates=True).evaluated is not None and environment.load().evaluated is None
    assert remedied.described(TASK.diagnostics, TASK.evaluation_steps).evaluation.max_steps == 390
