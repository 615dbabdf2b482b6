"""Other environments than the momentum one, from the command line's settings to what is read back."""

from __future__ import annotations

import dataclasses
import json
import sys

import gymnax
import numpy as np
import pytest

import momentum_jax
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.variables import table
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.processes.interruption import Interrupted
from momentum_jax.run_directory import diagnostics_of, load_policies, load_run, read_config
from momentum_jax.training import runner
from tests.environment_files import MASKED, OWN_WORDS
from tests.quick_programs import compiled_quickly
from tests.training.resumed_runs import train

PPO = PPOConfig(num_steps=64, num_envs=2, minibatch_size=64, num_epochs=2, hidden_sizes=(8,), learning_rate=1e-3)
STEPS = 1_024


def config(environment="CartPole-v1", **settings):
    own = {"timesteps": STEPS, "checkpoints": (100, 300, 700), "num_seeds": 3, "state_interval": 0.0}
    own |= {"arms": (Arm(name="ppo", ppo=PPO),)}
    return RunConfig(experiment="other", environment=environment, **own | settings)


@pytest.fixture(scope="module")
def cartpole(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("cartpole") / "run"
    return run_dir, train(run_dir, config())


def test_a_plain_environment_is_trained_and_recorded(cartpole):
    run_dir, said = cartpole
    assert said[0] == "other: 1 arm(s) × 3 seeds × 1,024 steps on CartPole-v1"
    assert any(line.startswith("step 700: median episode return ") for line in said)
    ds = load_run(run_dir)
    assert set(ds.data_vars) == set(table(diagnostics_of(ds)))
    assert ds.action_count.sum(["context", "action", "checkpoint"]).values.tolist() == [[STEPS] * 3]
    # Every step pays 1, so an episode's return is its length.
    np.testing.assert_allclose(ds.episode_return, ds.episode_length)
    assert float(ds.episode_length.isel(checkpoint=-1).min()) > 8
    np.testing.assert_allclose(ds.p_action.sum("action"), 1, atol=1e-6)
    assert (ds.probe_count == 1_024).all()
    later = ds.isel(checkpoint=slice(2, None))
    assert ds.churn.isel(checkpoint=0).isnull().all() and (later.policy_kl > 0).all()
    assert load_policies(run_dir, "ppo")["policy/dense_0/kernel"].shape == (3, 4, 8)


def test_config_json_has_nothing_of_the_momentum_environment(cartpole):
    stored = read_config(cartpole[0])
    assert stored["environment"] == "CartPole-v1" and stored["diagnostics"]["actions"] == ["action_0", "action_1"]
    assert "market" not in stored and "env" not in stored["arms"][0]
    again = RunConfig.from_json(stored)
    assert (again.environment, again.arms, again.market) == ("CartPole-v1", config().arms, config().market)
    again.validate()


def test_a_stopped_run_goes_on_to_the_same_bits(cartpole, tmp_path):
    run_dir = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(run_dir, config(), stop_at=300)
    train(run_dir, config(), resume=True)
    whole, resumed = load_run(cartpole[0]), load_run(run_dir)
    for name in table(diagnostics_of(whole)):
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)
    for name, array in load_policies(cartpole[0], "ppo").items():
        np.testing.assert_array_equal(load_policies(run_dir, "ppo")[name], array)


NORMALIZED = dataclasses.replace(PPO, normalize_observations=True, normalize_rewards=True, anneal_clip_range=True)
BOTH = (Arm(name="ppo", ppo=PPO), Arm(name="normalized", ppo=NORMALIZED))


@pytest.fixture(scope="module")
def normalized(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("normalized") / "run"
    train(run_dir, config(arms=BOTH))
    return run_dir


def test_an_arm_with_statistics_leaves_the_others_as_they_are(cartpole, normalized):
    alone, beside = load_run(cartpole[0]), load_run(normalized)
    for name in table(diagnostics_of(alone)):
        np.testing.assert_array_equal(beside[name].sel(arm=["ppo"]), alone[name], err_msg=name)
    # Every step pays 1, and goes on to do so in what is recorded.
    own = beside.sel(arm="normalized")
    np.testing.assert_allclose(own.episode_return, own.episode_length)
    np.testing.assert_allclose(own.reward_sum.sum("checkpoint"), STEPS)
    assert (own.advantage_std < 0.5 * beside.advantage_std.sel(arm="ppo")).isel(checkpoint=-1).all()


def test_statistics_go_on_to_the_same_bits(normalized, tmp_path):
    with pytest.raises(Interrupted):
        train(tmp_path / "run", config(arms=BOTH), stop_at=300)
    train(tmp_path / "run", config(arms=BOTH), resume=True)
    whole, resumed = load_run(normalized), load_run(tmp_path / "run")
    for name in table(diagnostics_of(whole)):
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)
    for name, array in load_policies(normalized, "normalized").items():
        np.testing.assert_array_equal(load_policies(tmp_path / "run", "normalized")[name], array, err_msg=name)


def test_a_saved_policy_takes_observations_as_the_environment_gives_them(normalized, tmp_path):
    """And so does what it exports for NumPy."""
    env, params = gymnax.make("CartPole-v1")
    states = GymnaxTask(env, params).probe_states(params)
    assert momentum_jax.load_policy(normalized, "ppo", 1).scaling is None
    policy = momentum_jax.load_policy(normalized, "normalized", 1)
    # A step pays 1, so the discounted return lies between 1 and 1 / (1 - γ).
    assert 1 < policy.reward_deviation < 1 / (1 - PPO.gamma)
    assert load_policies(normalized, "normalized")["reward_deviation"].shape == (3,)
    policy.export(tmp_path / "policy.npz")
    plain = np.load(tmp_path / "policy.npz")
    hidden = (np.asarray(states.compact[0]) - plain["observation_mean"]) / plain["observation_deviation"]
    hidden = np.clip(hidden, -10, 10)
    hidden = np.tanh(hidden @ plain["policy/dense_0/kernel"] + plain["policy/dense_0/bias"])
    logits = hidden @ plain["policy/dense_1/kernel"] + plain["policy/dense_1/bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    found = policy.action_probabilities(states.compact[0], states.action_mask[0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_run_does_not_go_on_in_another_environment(cartpole):
    with pytest.raises(ConfigError, match="environment was CartPole-v1, now Acrobot-v1"):
        train(cartpole[0], config("Acrobot-v1"), resume=True)


@compiled_quickly()
def test_an_environment_of_a_persons_own_is_recorded_in_its_words(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN_WORDS)
    said = train(tmp_path / "run", config("mine.py"))
    assert any(line.startswith("step 700: median P(into the lean) ") for line in said)
    ds = momentum_jax.load_run(tmp_path / "run")
    assert ds.attrs["config"] and json.loads(ds.attrs["config"])["environment"] == f"{tmp_path}/mine.py:make"
    assert ds.moves.dims == ("arm", "seed", "checkpoint", "lean", "action")
    assert ds.moves.sum(["lean", "action", "checkpoint"]).values.tolist() == [[STEPS] * 3]
    assert ds.lean.values.tolist() == ["left", "right", "far right"] and (ds.moves.sum("checkpoint") > 0).all()
    assert 0 < ds.off_left.sum() < ds.moves.sel(action="LEFT").sum()
    assert (ds.widest.min() < -0.1) and (ds.probe_count.sum("lean") == 1_024).all()
    # The file decides the numbers: changed, the run does not go on.
    (tmp_path / "mine.py").write_text(OWN_WORDS + "\n")
    with pytest.raises(ConfigError, match=r"the code of its environment has changed: mine\.py is SHA-256"):
        train(tmp_path / "run", config("mine.py", timesteps=2 * STEPS), resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"environment": "CartPole-v2"}, "did you mean CartPole-v1"),
        ({"environment": "Pendulum-v1"}, "action space"),
        ({"arms": (Arm(name="a", env=EnvOptions(hold_tax=1.0)),)}, "arm a has settings of the environment momentum"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, settings, message):
    arms = settings.pop("arms", (Arm(name="ppo", ppo=PPO),))
    run = RunConfig(experiment="other", arms=arms, **{"environment": "CartPole-v1"} | settings)
    with pytest.raises(ConfigError, match=message):
        runner.train(run, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_seed_that_meets_a_state_without_a_legal_action_has_failed(tmp_path, monkeypatch):
    """Where the walks that find probe states never come: they take 256 steps."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    late = MASKED.replace("max_steps_in_episode=20", "max_steps_in_episode=1_000").replace(
        "time >= 20", "time >= 1_000"
    )
    late = late.replace("== place % 3", "== jnp.where(state.env_state.time < 300, place % 3, 7)")
    (tmp_path / "late.py").write_text(late)
    said = train(tmp_path / "run", config(f"{tmp_path}/late.py:make"))
    assert "allows nothing at step 601: the seed has failed; leave at least one action" in "\n".join(said)
    assert any(line.endswith("step 640: action masks allow nothing, its training stops") for line in said)
    ds = load_run(tmp_path / "run")
    assert ds.failed_step.isel(checkpoint=-1).values.tolist() == [[640] * 3]
    assert (ds.action_count.isel(checkpoint=-1) >= 0).all()


def test_a_run_on_places_may_record_probe_states(tmp_path):
    """What refuses places that were not declared looks at numbers, also where only shapes are asked for."""
    train(tmp_path / "run", config("FrozenLake-misc", record_probes=2, timesteps=128, checkpoints=()))
    assert load_run(tmp_path / "run").probe_probability.shape[-2:] == (2, 4)
