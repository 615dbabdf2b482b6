"""What a rollout of several environments becomes to the learner, against one plain loop an environment."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.rollout import Actors, Trajectory
from tests.ppo import probes

STEPS, ENVS = 5, 3
CONFIG = PPOConfig(num_steps=STEPS, num_envs=ENVS, minibatch_size=15, hidden_sizes=(4,), gamma=0.9, gae_lambda=0.8)
AGENT = agents.make(probes.CutOff(), CONFIG)


def draw_trajectory(rng):
    """Every number different; one environment terminates inside, one is cut off there, one at the last step."""
    terminated, truncated = np.zeros((2, STEPS, ENVS), bool)
    terminated[2, 0] = truncated[1, 1] = truncated[STEPS - 1, 2] = True
    shape = (STEPS, ENVS)
    return Trajectory(
        compact=jnp.asarray(rng.normal(size=(*shape, 1)), jnp.float32),
        action_mask=jnp.ones((*shape, 2), bool),
        action=jnp.asarray(rng.integers(0, 2, shape), jnp.int32),
        reward=jnp.asarray(rng.normal(size=shape), jnp.float32),
        terminated=jnp.asarray(terminated),
        truncated=jnp.asarray(truncated),
        final=jnp.asarray(rng.normal(size=(*shape, 1)), jnp.float32),
        event=jnp.zeros(shape, jnp.int32),
        outcome=(),
    )


@pytest.fixture(scope="module")
def prepared():
    """The trajectory, the observations [M] after its last step, a function for values, and what `prepare` returns."""
    rng = np.random.default_rng(0)
    trajectory, last = draw_trajectory(rng), rng.normal(size=(ENVS, 1)).astype(np.float32)
    params, _ = AGENT.init_params(jax.random.key(3))
    actors = Actors(probes.State(jnp.zeros(ENVS, jnp.int32), jnp.asarray(last)), ())
    evaluate = jax.jit(lambda observation: AGENT.evaluate(params, observation[None], (), 1))
    return trajectory, last, evaluate, batches.prepare(AGENT, CONFIG, params, trajectory, actors, ())


def loop(trajectory, last, value, env):
    """Advantages [T] of one environment, from its last step to its first."""
    advantages, later = np.zeros(STEPS), 0.0
    for t in reversed(range(STEPS)):
        terminated, truncated = bool(trajectory.terminated[t, env]), bool(trajectory.truncated[t, env])
        if truncated:
            following = value(trajectory.final[t, env])
        else:
            following = value(last[env] if t == STEPS - 1 else trajectory.compact[t + 1, env])
        delta = float(trajectory.reward[t, env]) - value(trajectory.compact[t, env])
        delta += 0.0 if terminated else 0.9 * following
        later = delta if terminated or truncated else delta + 0.9 * 0.8 * later
        advantages[t] = later
    return advantages


def test_advantages_and_returns_are_those_of_each_environment_by_itself(prepared):
    trajectory, last, evaluate, (batch, values) = prepared

    def value(observation):
        return float(evaluate(jnp.asarray(observation))[1][0])

    for env in range(ENVS):
        own = slice(env * STEPS, (env + 1) * STEPS)
        expected_values = [value(trajectory.compact[t, env]) for t in range(STEPS)]
        advantages = loop(trajectory, last, value, env)
        np.testing.assert_allclose(values[own], expected_values, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(batch.advantage[own], advantages, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(batch.returns[own], advantages + expected_values, rtol=1e-5, atol=1e-5)


def test_a_transition_keeps_its_observation_action_and_probability(prepared):
    trajectory, _, evaluate, (batch, _) = prepared
    for env in range(ENVS):
        for t in range(STEPS):
            place = env * STEPS + t
            np.testing.assert_array_equal(batch.compact[place], trajectory.compact[t, env])
            assert batch.action[place] == trajectory.action[t, env]
            logits = evaluate(trajectory.compact[t, env])[0][0]
            expected = jax.nn.log_softmax(logits)[trajectory.action[t, env]]
            assert float(batch.log_prob[place]) == pytest.approx(float(expected), abs=1e-6)
