"""A network that remembers learns what no other can, and its state lives through rollouts, ends and minibatches."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches, learner, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs
from tests.conftest import ROOT
from tests.ppo import probes
from tests.ppo.recurrent import plain_steps

CONFIG = PPOConfig(
    network=f"{ROOT / 'tests' / 'ppo' / 'recurrent.py'}:Recurrent",
    learning_rate=1e-2,
    gamma=0.9,
    ent_coef=0.0,
    num_envs=8,
    num_steps=12,
    num_epochs=4,
    minibatch_size=32,
    hidden_sizes=(8,),
)


class CueState(NamedTuple):
    time: jax.Array
    cue: jax.Array
    observation: jax.Array  # [1]


class Recall(probes.Probe):
    """The cue, -1 or +1, is seen in the first step alone, and the last pays for the action of its sign."""

    def __init__(self, length=3):
        self.length = length

    def initial_state(self, key, params):
        cue = jnp.where(jax.random.bernoulli(key), 1.0, -1.0)
        return CueState(jnp.zeros((), jnp.int32), cue, cue[None])

    def transition(self, key, state, action, params):
        step = super().transition(key, state, action, params)
        return step._replace(state=CueState(state.time + 1, state.cue, jnp.zeros((1,))))

    def reward(self, state, action):
        right = (action > 0) == (state.cue > 0)
        return ((state.time == self.length - 1) & right).astype(jnp.float32)


def quickly(function, *arguments):
    return jax.jit(function, compiler_options=quick_programs.OPTIONS)(*arguments)


def paid(config, task):
    """Share of the episodes that were paid, in the best ten rollouts of forty; the median of three seeds.

    At these rates a policy that has learned may lose it again for a while.
    """

    def rewards(streams):
        step = lambda state, _: learner.update(task, config, (), jnp.int32(40), state)  # noqa: E731
        return jax.lax.scan(step, learner.init(task, config, (), streams), length=40)[1].reward

    seeds = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(seed_streams, range(3)))
    reward = quickly(lambda seeds: jax.lax.map(rewards, seeds), seeds).reshape(3, 4, -1)
    return float(np.median(reward.mean(axis=-1).max(axis=-1)) * task.length)


def test_a_cue_is_recalled_by_a_network_that_remembers_and_by_no_other():
    assert paid(CONFIG, Recall()) > 0.95
    assert paid(dataclasses.replace(CONFIG, network="towers"), Recall()) < 0.65  # a guess is right half the time


LONG = dataclasses.replace(CONFIG, lstm_size=8, num_steps=32, minibatch_size=64, gamma=0.95, gae_lambda=0.95)


@pytest.mark.parametrize(
    ("network", "minibatching", "learning_rate"),
    [("lstm", "rotation", 2e-2), ("lstm", "sequences", 2e-2), ("gru", "rotation", 1e-2)],
)
def test_a_cue_is_remembered_over_eight_steps(network, minibatching, learning_rate):
    own = dataclasses.replace(LONG, network=network, minibatching=minibatching, learning_rate=learning_rate)
    assert paid(own, Recall(length=9)) > 0.95


def test_towers_do_not_remember_by_their_minibatches():
    own = dataclasses.replace(LONG, network="towers", minibatching="rotation")
    assert paid(own, Recall(length=9)) < 0.65


class Cut(Recall):
    """The same, cut off after its last step."""

    truncates = True


@pytest.fixture(scope="module")
def collected():
    """An agent, its parameters, the actors before and after a rollout that begins within episodes, its trajectory."""
    agent = agents.make(Cut(), CONFIG)

    def collect(streams, key):
        state = learner.init(Cut(), CONFIG, (), streams)
        # An episode of another length lies behind: states and starts differ between environments.
        memory = agents.Memory(jax.random.normal(jax.random.key(5), (8, 8)), jnp.arange(8) % 2 == 0)
        before = rollout.Actors(state.env_state, memory)
        return state.params, before, *rollout.collect(agent, CONFIG, state.params, before, (), key, key)

    return agent, *quickly(collect, seed_streams(1), jax.random.key(2))


def test_sequences_are_evaluated_as_the_network_acted(collected):
    """Through resets inside the sequence: against one step after the other."""
    agent, params, before, after, trajectory = collected
    starts = np.concatenate([before.memory.start[None], trajectory.ended[:-1]])
    np.testing.assert_array_equal(trajectory.memory.start, starts)
    np.testing.assert_array_equal(after.memory.start, trajectory.ended[-1])
    logits, values, carries = quickly(
        partial(plain_steps, agent.network), params, before.memory.carry, trajectory.compact, jnp.asarray(starts)
    )
    np.testing.assert_allclose(trajectory.memory.carry[1:], carries[:-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after.memory.carry, carries[-1], rtol=1e-5, atol=1e-6)
    batch, found = quickly(partial(batches.prepare, agent, CONFIG), params, trajectory, after, ())
    np.testing.assert_allclose(np.asarray(found).reshape(8, 12).T, values, rtol=1e-5, atol=1e-6)
    expected = jnp.take_along_axis(jax.nn.log_softmax(logits), trajectory.action[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(np.asarray(batch.log_prob).reshape(8, 12).T, expected, rtol=1e-5, atol=1e-6)


def test_a_cut_off_episode_is_valued_with_what_was_remembered_at_its_end(collected):
    agent, params, _, _, trajectory = collected
    flat = batches._flatten(trajectory)
    features, finals = (agent.features(part, ()) for part in (flat.compact, flat.final))

    def one_step_later(params):
        carry = jnp.where(flat.memory.start[:, None], 0.0, flat.memory.carry)
        carry, _ = agent.network.apply({"params": params}, carry, features, flat.memory.start, method="act")
        return agent.network.apply({"params": params}, carry, finals[None], jnp.zeros((1, len(finals)), bool))[1][0]

    found = quickly(partial(batches._final_values, agent), params, features, finals, flat.memory)
    np.testing.assert_allclose(found, quickly(one_step_later, params), rtol=1e-5, atol=1e-6)


def test_minibatches_hold_whole_sequences():
    agent = agents.make(Recall(), CONFIG)
    length = batches.sequence_length(agent, CONFIG)
    assert length == 4  # divides 12 steps and 32 transitions
    drawn = batches.permutations(jax.random.key(0), CONFIG, length)
    assert drawn.shape == (4, 24)
    rows = np.asarray(batches.minibatch_rows(drawn, CONFIG, length))
    assert rows.shape == (12, 32)
    np.testing.assert_array_equal(np.sort(rows.reshape(4, 96), axis=1), np.broadcast_to(np.arange(96), (4, 96)))
    starts = rows.reshape(12, 8, 4)
    np.testing.assert_array_equal(starts - starts[..., :1], np.broadcast_to(np.arange(4), (12, 8, 4)))
    assert (starts[..., 0] % 4 == 0).all()
