"""Normalised observations and rewards, against a plain NumPy `VecNormalize` that is fed rollout by rollout."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env.momentum import Momentum
from momentum_jax.env.momentum import make_params as momentum_params
from momentum_jax.ppo import batches, distributions, learner, normalization, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs
from tests.markets import make_segment
from tests.ppo import probes
from tests.ppo.test_learning import train

ENVS, STEPS, GAMMA, UPDATES = 3, 32, 0.9, 4
CONFIG = PPOConfig(
    num_envs=ENVS,
    num_steps=STEPS,
    minibatch_size=48,
    num_epochs=2,
    hidden_sizes=(8,),
    gamma=GAMMA,
    learning_rate=1e-2,
    normalize_observations=True,
    normalize_rewards=True,
)


class Drifting(probes.Probe):
    """Six steps; observes a number around 300 that grows with time, and is paid around -20, more for action 1."""

    length = 6

    def observe(self, key, time):
        return 300.0 + 5.0 * time + jax.random.normal(key, (1,))

    def reward(self, state, action):
        return -20.0 + 3.0 * action + state.observation[0] - 300.0


class VecNormalize:
    """stable-baselines3's, in float64, with statistics that change once a rollout."""

    def __init__(self):
        self.observations, self.returns = [], []
        self.discounted = np.zeros(ENVS)

    def count(self, observations, rewards, ended):
        self.observations.append(observations.reshape(-1, observations.shape[-1]).astype(np.float64))
        for reward, over in zip(rewards.astype(np.float64), ended, strict=True):
            self.discounted = GAMMA * self.discounted + reward
            self.returns.extend(self.discounted)
            self.discounted = np.where(over, 0.0, self.discounted)

    def observation(self, values):
        if not self.observations:
            return np.clip(values / np.sqrt(1 + 1e-8), -10, 10)
        known = np.concatenate(self.observations)
        return np.clip((values - known.mean(axis=0)) / np.sqrt(known.var(axis=0) + 1e-8), -10, 10)

    def reward(self, values):
        return np.clip(values / np.sqrt(np.var(self.returns) + 1e-8), -10, 10)


@pytest.fixture(scope="module")
def replayed():
    """Of each update: its state before, what it acted through, its batch, its record and the state after."""
    task = Drifting()

    @jax.jit
    def step(state):
        agent, keys = learner.acting_agent(task, CONFIG, state), state.streams.at_update(state.update)
        actors = rollout.Actors(state.env_state, state.memory)
        actors, trajectory = rollout.collect(agent, CONFIG, state.params, actors, (), keys.action, keys.market)
        _, rewards = normalization.after_rollout(agent, CONFIG, (), state.statistics, trajectory)
        batch, _ = batches.prepare(agent, CONFIG, state.params, trajectory._replace(reward=rewards), actors, ())
        following, record = learner.update(task, CONFIG, (), jnp.int32(UPDATES), state)
        return following, (state, trajectory, rewards, batch, record)

    states = jax.jit(lambda streams: learner.init(task, CONFIG, (), streams))(seed_streams(0))
    found = []
    for _ in range(UPDATES):
        states, seen = step(states)
        found.append((*seen, states))
    return found


def test_statistics_and_rewards_are_those_of_vec_normalize(replayed):
    twin = VecNormalize()
    assert replayed[0][1].ended.any() and not replayed[0][1].ended[-1].any()  # an episode goes on over rollouts
    for _, trajectory, rewards, _, record, after in replayed:
        twin.count(*map(np.asarray, (trajectory.compact, trajectory.reward, trajectory.ended)))
        known = np.concatenate(twin.observations)
        statistics = after.statistics
        np.testing.assert_allclose(statistics.observations.mean.value, known.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(statistics.observations.variance.value, known.var(axis=0), rtol=1e-4)
        np.testing.assert_allclose(statistics.returns.variance.value, np.var(twin.returns), rtol=1e-4)
        np.testing.assert_allclose(statistics.discounted, twin.discounted, rtol=1e-5)
        np.testing.assert_allclose(rewards, twin.reward(np.asarray(trajectory.reward)), rtol=1e-4)
        # What is recorded, and so episode returns, are the environment's own.
        np.testing.assert_array_equal(record.reward, trajectory.reward)


def test_a_batch_has_the_probabilities_that_acted(replayed):
    """Observations are seen with the statistics of the rollouts before, when acting and when learning."""
    twin, task = VecNormalize(), Drifting()
    for number, (state, trajectory, _, batch, _, _) in enumerate(replayed):
        agent = learner.agents.make(task, dataclasses.replace(CONFIG, normalize_observations=False))
        seen = jnp.asarray(twin.observation(np.asarray(batch.compact)), jnp.float32)
        assert np.abs(seen).max() == 10 if number == 0 else 0.5 < np.abs(seen).max() < 10
        logits, _ = agent.evaluate(state.params, seen, (), 1)
        expected = distributions.log_prob(jax.nn.log_softmax(logits), batch.action)
        np.testing.assert_allclose(batch.log_prob, expected, atol=2e-5)
        # The draws themselves: Gumbel noise on the logits that acted.
        key = state.streams.at_update(state.update).action
        gumbel = jax.random.gumbel(key, (STEPS, ENVS, 2), jnp.float32).swapaxes(0, 1).reshape(-1, 2)
        np.testing.assert_array_equal(np.argmax(logits + gumbel, axis=-1), batch.action)
        np.testing.assert_array_equal(trajectory.action.T.ravel(), batch.action)
        twin.count(*map(np.asarray, (trajectory.compact, trajectory.reward, trajectory.ended)))


def test_a_still_policy_has_no_divergence_from_itself():
    """Acting and learning see the same, so without a step every ratio is 1, whatever the statistics do."""
    config = dataclasses.replace(CONFIG, learning_rate=0.0)
    state, records = train(Drifting(), updates=3, config=config)
    np.testing.assert_allclose(records.metrics.approx_kl, 0.0, atol=1e-6)
    np.testing.assert_array_equal(records.metrics.clip_fraction, 0.0)
    assert int(state.statistics.observations.batches) == 3


def test_rewards_are_scaled_before_the_control_permutes_them():
    """The control learns from the same numbers in another order."""
    config = dataclasses.replace(CONFIG, num_epochs=1, minibatch_size=96, gae_lambda=0.0, gamma=0.0, learning_rate=0.0)
    runs = [train(Drifting(), 1, dataclasses.replace(config, permute_rewards=on)) for on in (False, True)]
    deviations = [float(records.metrics.advantage_std[0]) for _, records in runs]
    assert deviations[0] == pytest.approx(deviations[1], rel=1e-4)
    one, other = (state.statistics.returns for state, _ in runs)
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_off_there_is_nothing_in_the_state():
    config = dataclasses.replace(CONFIG, normalize_observations=False, normalize_rewards=False)
    state = jax.eval_shape(lambda streams: learner.init(Drifting(), config, (), streams), seed_streams(0))
    assert not jax.tree.leaves(state.statistics)


class Drowned(probes.ContextBandit):
    """A context bandit whose context comes with a second number, ten thousand times as large, that says nothing."""

    num_inputs = 2
    input_counts = np.ones(2, np.float32)

    def observe(self, key, time):
        context, noise = jax.random.split(key)
        return jnp.concatenate([super().observe(context, time), 1e4 * jax.random.normal(noise, (1,))])


def test_an_environment_with_a_badly_scaled_observation_is_learned_with_and_not_without():
    config = dataclasses.replace(CONFIG, num_envs=2, minibatch_size=32, num_epochs=4, ent_coef=0.0, learning_rate=3e-3)
    without = dataclasses.replace(config, normalize_observations=False)
    paid = [float(train(Drowned(), 80, one)[1].reward[-10:].mean()) for one in (config, without)]
    assert paid[0] > 0.95 and paid[1] < 0.7


@pytest.mark.parametrize("network", ["towers", "layer_norm"])
def test_the_momentum_environment_is_normalised_by_whole_observations(network: str):
    """What is looked up outside the loop, and features that stand for several inputs, are seen as they act."""
    task, env_params = Momentum(), momentum_params(make_segment())
    config = dataclasses.replace(CONFIG, network=network, learning_rate=1e-3)
    state = jax.jit(lambda streams: learner.init(task, config, env_params, streams))(seed_streams(0))
    update = jax.jit(
        lambda config, state: learner.update(task, config, env_params, jnp.int32(9), state),
        compiler_options=quick_programs.OPTIONS,
    )
    for _ in range(2):
        state, record = update(config, state)
    assert float(record.metrics.clip_fraction) < 0.9
    frozen = dataclasses.replace(config, learning_rate=0.0)
    # Acting, whose exogenous features are projected before its loop, and learning agree.
    np.testing.assert_allclose(update(frozen, state)[1].metrics.approx_kl, 0.0, atol=1e-6)
    arrays = learner.exporter(task, config)(jax.tree.map(np.asarray, learner.exportable(state)))
    assert arrays["observation_mean"].shape == (460,) and arrays["observation_deviation"].min() >= 1e-4
