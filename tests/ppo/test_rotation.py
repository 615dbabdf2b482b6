"""Slices of a rotated rollout: which transitions, where sequences begin in them, and from which state."""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.fields import ConfigError
from momentum_jax.networks.lstm import LSTMTowers
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.conftest import ROOT
from tests.ppo.probes import Bandit

STEPS, ENVS = 6, 2
CONFIG = PPOConfig(
    network="lstm",
    minibatching="rotation",
    lstm_size=3,
    hidden_sizes=(4,),
    num_steps=STEPS,
    num_envs=ENVS,
    minibatch_size=4,
    num_epochs=3,
)
OWN = f"{ROOT / 'tests' / 'ppo' / 'recurrent.py'}:Recurrent"


class _Restless(LSTMTowers):
    """The same network, as one that takes no restarts."""

    takes_restarts = False


def vars_of(network):
    return {name: getattr(network, name) for name in ("num_actions", "hidden_sizes", "activation", "lstm_size")}


@pytest.fixture(scope="module")
def agent():
    return agents.make(Bandit(), CONFIG)


def test_slices_follow_each_other_through_the_wrap(agent):
    ordered = batches.rotated(jnp.array([10, 0, 3]), CONFIG)
    rows = np.asarray(batches.minibatch_rows(ordered, CONFIG, batches.sequence_length(agent, CONFIG)))
    expected = [[10, 11, 0, 1], [2, 3, 4, 5], [6, 7, 8, 9], [0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    np.testing.assert_array_equal(rows, [*expected, [3, 4, 5, 6], [7, 8, 9, 10], [11, 0, 1, 2]])
    begun = np.asarray(batches.begins(jnp.asarray(rows), agent, CONFIG))
    np.testing.assert_array_equal(np.argwhere(begun), [[0, 2], [2, 0], [3, 0], [4, 2], [6, 3], [8, 1]])


def test_each_epoch_has_a_rotation_of_its_own_and_every_one_is_drawn(agent):
    many = dataclasses.replace(CONFIG, num_epochs=600)
    ordered = np.asarray(batches.order(jax.random.key(0), agent, many))
    np.testing.assert_array_equal((ordered - ordered[:, :1]) % 12, np.broadcast_to(np.arange(12), (600, 12)))
    counts = np.bincount(ordered[:, 0], minlength=12)
    assert counts.min() > 20 and counts.max() < 85  # 50 each, give or take 7


@pytest.mark.parametrize("network", ["lstm", OWN])
def test_a_sequence_begins_with_the_state_stored_of_its_first_step(network):
    """In one slice with a beginning inside and an episode's start, against a sequence for each."""
    agent = agents.make(Bandit(), dataclasses.replace(CONFIG, network=network))
    params, _ = agent.init_params(jax.random.key(0))
    features = jax.random.normal(jax.random.key(1), (9, 1))
    start = jnp.zeros(9, bool).at[6].set(True)
    zeros = agent.network.init_carry(9)
    carry = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(2), leaf.shape), zeros)
    memory, begins = agents.Memory(carry, start), jnp.zeros(9, bool).at[3].set(True)
    whole = jax.jit(lambda: agent.evaluate(params, features, memory, 9, begins))()
    pieces = [
        agent.evaluate(params, features[piece], jax.tree.map(lambda leaf, piece=piece: leaf[piece], memory), length)
        for piece, length in ((slice(0, 3), 3), (slice(3, 9), 6))
    ]
    for found, *expected in zip(whole, *pieces, strict=True):
        np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-5, atol=1e-6)
    unbroken = agent.evaluate(params, features, memory, 9)
    assert not np.allclose(unbroken[0][3:6], whole[0][3:6], atol=1e-4)


def test_step_by_step_gives_the_gradients_of_a_network_that_restarts_by_itself(agent):
    """As any network that does not is taken: through a beginning within the slice and an episode's start."""
    params, _ = agent.init_params(jax.random.key(0))
    features, wanted = jax.random.normal(jax.random.key(1), (9, 1)), jax.random.normal(jax.random.key(3), (9,))
    carry = jax.tree.map(lambda leaf: leaf + 0.3, agent.network.init_carry(9))
    memory = agents.Memory(carry, jnp.zeros(9, bool).at[6].set(True))
    plain = dataclasses.replace(agent, network=_Restless(**vars_of(agent.network)))

    @partial(jax.jit, static_argnums=0)
    def gradient(agent):
        def total(params):
            logits, values = agent.evaluate(params, features, memory, 9, jnp.zeros(9, bool).at[3].set(True))
            return jnp.sum(values * wanted) + 100.0 * jnp.sum(logits[:, 0] * wanted)

        return jax.grad(total)(params)

    jax.tree.map(
        lambda found, expected: np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5),
        gradient(plain),
        gradient(agent),
    )


@pytest.mark.parametrize(
    ("network", "minibatching", "message"),
    [
        ("lstm", "shuffle", "network=lstm remembers, .*use minibatching=sequences, rotation or auto"),
        ("towers", "sequences", "network=towers remembers nothing, .*use minibatching=shuffle, rotation or auto"),
    ],
)
def test_an_order_that_is_not_for_the_network_is_refused(network, minibatching, message):
    config = dataclasses.replace(CONFIG, network=network, minibatching=minibatching)
    with pytest.raises(ConfigError, match=message):
        agents.make(Bandit(), config)
    for allowed in message.rsplit("minibatching=")[1].replace(" or ", ", ").split(", "):
        agents.make(Bandit(), dataclasses.replace(config, minibatching=allowed))
