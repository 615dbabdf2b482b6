"""Saved policies of networks that remember: they act on whole observations as the learner does on its features."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax import run_directory
from momentum_jax.backtest import saved_policies
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import observation_layout
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.momentum import Momentum, make_params
from momentum_jax.policy import load_policy
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.conftest import ROOT
from tests.markets import make_segment

STEPS, BATCH = 5, 3
FLAT = np.array([True, True, True, False, False, False])
NAMES = ("lstm", "gru")
ARMS = tuple(Arm(name=name, ppo=PPOConfig(network=name, lstm_size=4, hidden_sizes=(6, 3))) for name in NAMES)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run directory with two policies of each network that have opinions, and the learner's parameters of them."""
    config = RunConfig(experiment="test", arms=ARMS, num_seeds=2)
    run_dir, learned = tmp_path_factory.mktemp("runs") / "run", {}
    run_directory.create_run(run_dir, config.to_json() | {"data": {}})
    for arm in ARMS:
        agent = agents.make(Momentum(), arm.ppo)
        learned[arm.name], arrays = (agent, []), []
        for seed in range(2):
            params, deviations = agent.init_params(jax.random.key(3 + seed))
            params["policy"]["2"]["kernel"] *= 100  # the head begins at a hundredth
            learned[arm.name][1].append(params)
            arrays.append(agent.network.to_arrays(agent.whole_params(params, deviations)))
        run_directory.write_policy(run_dir, arm.name, jax.tree.map(lambda *seeds: np.stack(seeds), *arrays))
    return run_dir, learned


@pytest.fixture(scope="module")
def seen():
    """Features [T, B, F] of flat states that follow each other, and the observations [T, B, 20, 23] of the same."""
    task, params = Momentum(), make_params(make_segment())
    bars = FIRST_BAR + jnp.arange(STEPS)[:, None] + 20 * jnp.arange(BATCH)
    features = task.expand(task.flat_observation(bars.reshape(-1)), params)
    return features.reshape(STEPS, BATCH, -1), np.asarray(observation_layout.expand(features)).reshape(
        -1, BATCH, 20, 23
    )


def probabilities_of(saved, seen, name):
    """The learner's own of a sequence that begins with an episode, [T, B, A]."""
    agent, (params, _) = saved[1][name]
    starts = jnp.zeros((STEPS, BATCH), bool).at[0].set(True)
    logits, values = agent.network.apply({"params": params}, agent.network.init_carry(BATCH), seen[0], starts)
    return np.asarray(jax.nn.softmax(jnp.where(FLAT, logits, -jnp.inf))), values


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_policy_acts_from_step_to_step_as_the_learner_evaluates(saved, seen, name):
    policy = load_policy(saved[0], name, 0)
    expected, values = probabilities_of(saved, seen, name)
    assert np.ptp(expected.argmax(axis=-1)) > 0
    carry, mask = policy.init_carry(BATCH), np.broadcast_to(FLAT, (BATCH, 6))
    for obs, probabilities in zip(seen[1], expected, strict=True):
        action, carry = policy.act(obs, mask, carry=carry)
        np.testing.assert_array_equal(action, probabilities.argmax(axis=-1))
    np.testing.assert_allclose(policy.action_probabilities(seen[1][0], mask), expected[0], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(policy.value(seen[1][0]), values[0], rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_backtest_plays_each_seeds_own_policy(saved, name):
    run_dir, learned = saved
    found = saved_policies.load(run_dir, ARMS[NAMES.index(name)], Momentum(), 2).params
    for seed, params in enumerate(learned[name][1]):
        own = jax.tree.map(lambda leaf, seed=seed: leaf[seed], found)
        jax.tree.map(lambda *leaves: np.testing.assert_allclose(*leaves, rtol=1e-5, atol=1e-7), own, params)


def test_exported_arrays_of_an_lstm_give_the_same_policy_with_numpy_alone(saved, seen, tmp_path, monkeypatch):
    """Runs the documentation's own step of a memory, in the place that it names."""
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "policies.md").read_text(), re.DOTALL)
    (whole,) = [text for text in examples if "np.load" in text]
    (step,) = [text for text in examples if "policy/lstm/recurrent_kernel" in text]
    example = whole.replace("hidden = obs.reshape(-1)\n", step)
    assert example != whole
    monkeypatch.chdir(tmp_path)
    load_policy(saved[0], "lstm", 0).export("seed3.npz")
    names = {"np": np, "mask": FLAT, "memory": (np.zeros(4), np.zeros(4))}
    for obs, expected in zip(seen[1][:, 0], probabilities_of(saved, seen, "lstm")[0][:, 0], strict=True):
        exec(example, names | {"obs": obs}, names)
        np.testing.assert_allclose(names["probabilities"], expected, rtol=1e-4, atol=1e-6)
