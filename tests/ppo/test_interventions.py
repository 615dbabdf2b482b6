"""What a study changes of the learner: each does what it says, and nothing else."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.networks import towers as networks
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import interventions, learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs
from tests.ppo import probes

CONFIG = PPOConfig(
    learning_rate=3e-3, num_envs=2, num_steps=32, num_epochs=2, minibatch_size=16, hidden_sizes=(8,), ent_coef=0.1
)
TASK = probes.ContextBandit()


def states(config, updates=4):
    """The state before the first and after every update, with the records."""
    update = jax.jit(
        lambda config, state: learner.update(TASK, config, (), jnp.int32(updates), state),
        compiler_options=quick_programs.OPTIONS,
    )
    result, records = [learner.init(TASK, config, (), seed_streams(0))], []
    for _ in range(updates):
        state, record = update(config, result[-1])
        result.append(state)
        records.append(record)
    return result, records


def towers(state):
    return networks.split_towers(state.params)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


@pytest.mark.parametrize("normalize", [True, False])
def test_the_policy_is_bit_identical_while_the_critic_learns_alone(normalize):
    config = dataclasses.replace(CONFIG, critic_only_updates=2, normalize_advantage=normalize, max_grad_norm=0.01)
    reached, records = states(config)
    first, once, twice, third, _ = (towers(state) for state in reached)
    assert same(first["policy"], once["policy"])
    assert same(first["policy"], twice["policy"])
    assert not same(first["policy"], third["policy"])
    assert not any(same(a["value"], b["value"]) for a, b in ((first, once), (once, twice), (twice, third)))
    # What is recorded is the rollout's own: advantages are there, and nothing has moved.
    assert float(records[0].metrics.advantage_std) > 0
    assert float(records[0].metrics.approx_kl) == 0
    assert float(records[2].metrics.approx_kl) != 0


def test_the_policy_starts_with_an_optimiser_that_has_counted_nothing():
    """The first step of an Adam with fresh moments is the learning rate in every weight that has a gradient."""
    config = dataclasses.replace(CONFIG, critic_only_updates=2, num_epochs=1, minibatch_size=64, adam_eps=1e-12)
    reached, _ = states(config)
    before, after = (towers(state)["policy"][-1]["bias"] for state in reached[2:4])
    np.testing.assert_allclose(np.abs(after - before), config.learning_rate, rtol=1e-3)
    # Steps counted so far: the optimiser's one integer.
    counted = [
        int(leaf)
        for state in reached[2:4]
        for leaf in jax.tree.leaves(state.opt_state)
        if jnp.issubdtype(leaf.dtype, jnp.integer)
    ]
    assert counted == [2, 1]


def test_permuted_rewards_are_learned_from_and_never_recorded():
    (_, permuted, *_), (record, *_) = states(dataclasses.replace(CONFIG, permute_rewards=True))
    (_, plain, *_), (plain_record, *_) = states(CONFIG)
    assert not same(permuted.params, plain.params)
    np.testing.assert_array_equal(record.reward, plain_record.reward)
    np.testing.assert_array_equal(record.event, plain_record.event)


def test_a_permutation_spans_the_environments_and_is_drawn_anew_in_each_update():
    rewards = jnp.arange(64.0).reshape(32, 2)
    control = dataclasses.replace(CONFIG, permute_rewards=True)
    streams = seed_streams(0)
    drawn = [
        np.asarray(interventions.learned_rewards(streams.at_update(jnp.int32(update)).minibatch, control, rewards))
        for update in range(2)
    ]
    for permuted in drawn:
        np.testing.assert_array_equal(np.sort(permuted.ravel()), np.arange(64.0))
        # Rewards of one environment (even and odd numbers) reach the other.
        assert 0 < (permuted[:, 0] % 2 == 1).sum() < 32
    assert (drawn[0] != drawn[1]).any()
    np.testing.assert_array_equal(interventions.learned_rewards(streams.minibatch, CONFIG, rewards), rewards)


@pytest.mark.parametrize("bias", [-1.0, 2.0])
def test_the_initial_bias_shifts_the_logit_of_action_0_alone(bias):
    plain = learner.init(TASK, CONFIG, (), seed_streams(0))
    biased = learner.init(TASK, dataclasses.replace(CONFIG, initial_action_bias=bias), (), seed_streams(0))
    features = jnp.full((1, 1), 0.5)
    shift = [
        agents.make(TASK, CONFIG).evaluate(state.params, features, (), 1)[part]
        for state in (plain, biased)
        for part in (0, 1)
    ]
    np.testing.assert_allclose(shift[2] - shift[0], [[bias, 0.0]], atol=1e-6)
    np.testing.assert_array_equal(shift[3], shift[1])
