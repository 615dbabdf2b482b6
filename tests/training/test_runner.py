"""Training in this process: failed seeds, repeated runs, arms that need programs of their own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import momentum_jax
from momentum_jax.analysis.report import build
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.variables import table
from momentum_jax.env import registry
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.fields import ConfigError
from momentum_jax.market.dataset import Dataset
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training import runner
from tests.markets import make_segment

SMALL = PPOConfig(num_steps=64, minibatch_size=32, num_epochs=2, hidden_sizes=(16,))


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Train on a made-up market in groups of one size, so that programs are compiled once; returns the loaded run."""
    monkeypatch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment()], []))

    def run(name: str, arms: list[Arm], num_seeds: int = 2, **settings):
        settings = {"timesteps": 500, "group_width": (3,)} | settings
        config = RunConfig(experiment="test", arms=tuple(arms), num_seeds=num_seeds, **settings)
        runner.train(config, tmp_path / name, say=lambda line: None)
        return momentum_jax.load_run(tmp_path / name)

    return run


def assert_same(one, other):
    for name in table(MOMENTUM):
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)


def test_a_seed_is_the_same_whatever_runs_beside_it(train):
    arm, other = Arm(name="a", ppo=SMALL), Arm(name="b", env=EnvOptions(call_bonus=0.5), ppo=SMALL)
    alone = train("alone", [arm], num_seeds=1, first_seed=2, group_width=(1,))
    beside = train("beside", [other, arm], num_seeds=4, first_seed=1)
    assert_same(alone.sel(arm="a", seed=2), beside.sel(arm="a", seed=2))
    assert not np.array_equal(alone.sel(arm="a", seed=2).reward_sum, beside.sel(arm="b", seed=2).reward_sum)
    assert_same(alone, train("again", [arm], num_seeds=1, first_seed=2, group_width=(1,)))


def test_a_diverging_arm_is_marked_and_the_others_go_on(train, tmp_path):
    wild = dataclasses.replace(SMALL, learning_rate=1e30)
    run = train("wild", [Arm(name="wild", ppo=wild), Arm(name="calm", ppo=SMALL)])
    failed = run.failed_step.isel(checkpoint=-1)
    assert (failed.sel(arm="wild") > 0).all()
    assert (failed.sel(arm="wild") % SMALL.rollout_size == 0).all()
    assert (failed.sel(arm="calm") == -1).all()
    assert_same(run.sel(arm="calm"), train("calm", [Arm(name="calm", ppo=SMALL)]).sel(arm="calm"))
    text = Path(build.write_report(tmp_path / "wild")).read_text()
    assert "2 of 4 runs failed" in text
    assert "wild, seed 0" in text


@pytest.mark.slow
def test_arms_with_other_networks_share_the_experiment(train, tmp_path):
    wide = dataclasses.replace(SMALL, hidden_sizes=(8, 8))
    arms = [
        Arm(name="a", ppo=SMALL),
        Arm(name="wide", ppo=wide),
        Arm(name="b", ppo=SMALL, env=EnvOptions(put_bonus=1.0)),
    ]
    run = train("mixed", arms)
    for arm in arms:
        assert_same(run.sel(arm=arm.name), train(f"only-{arm.name}", [arm]).sel(arm=arm.name))
    policies = momentum_jax.load_policies(tmp_path / "mixed", "wide")
    assert policies["policy/dense_1/kernel"].shape == (2, 8, 8)


def test_counts_do_not_depend_on_where_checkpoints_fall(train):
    several = dataclasses.replace(SMALL, num_envs=3, num_steps=32)
    arm = Arm(name="a", ppo=several)
    few = train("few", [arm], checkpoints=(301,))
    many = train("many", [arm], checkpoints=tuple(range(7, 500, 7)))
    total = int(few.env_steps[-1])
    assert total == int(many.env_steps[-1]) == 576
    for name in ("flat_count", "good_buy", "forced_stop", "trade_count", "exit"):
        np.testing.assert_array_equal(few[name].sum("checkpoint"), many[name].sum("checkpoint"), err_msg=name)
    upto = many.env_steps <= 301
    np.testing.assert_array_equal(
        few.flat_count.sel(checkpoint=few.env_steps <= 301).sum("checkpoint"),
        many.flat_count.sel(checkpoint=upto).sum("checkpoint"),
    )


def test_learning_rate_zero_shows_no_change_in_exact_probabilities(train):
    still = dataclasses.replace(SMALL, learning_rate=0.0)
    probabilities = train("still", [Arm(name="still", ppo=still)]).p_action
    np.testing.assert_array_equal(probabilities, probabilities.isel(checkpoint=[0] * probabilities.sizes["checkpoint"]))


def test_arms_must_agree_in_their_rollouts(train):
    with pytest.raises(ConfigError, match="num_steps"):
        train("bad", [Arm(name="a", ppo=SMALL), Arm(name="b", ppo=dataclasses.replace(SMALL, num_steps=128))])


def test_redrawn_streams_are_in_the_config_and_unknown_ones_refused(train, tmp_path):
    arms = [Arm(name="A", ppo=SMALL), Arm(name="init", ppo=SMALL, redrawn_streams=("init",))]
    run = train("redrawn", arms)
    assert [arm["redrawn_streams"] for arm in json.loads(run.attrs["config"])["arms"]] == [[], ["init"]]
    assert not np.array_equal(run.p_action.sel(arm="A"), run.p_action.sel(arm="init"))
    with pytest.raises(ConfigError, match="redrawn_streams of arm a names"):
        train("unknown", [Arm(name="a", ppo=SMALL, redrawn_streams=("luck",))])
    with pytest.raises(ConfigError, match="which fixed_streams holds fixed"):
        train("both", [Arm(name="a", ppo=SMALL, redrawn_streams=("init",))], fixed_streams=("init",))
