"""Any gymnax environment as a task: what is recorded of it, and its probe states."""

from __future__ import annotations

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.diagnostics.probes import HALF_SIZE
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.fields import ConfigError


@pytest.fixture(scope="module")
def cartpole():
    env, params = gymnax.make("CartPole-v1")
    return GymnaxTask(env, params), params


def test_probe_states_are_visited_by_a_random_policy_and_always_the_same(cartpole):
    task, params = cartpole
    states = task.probe_states(params)
    assert states.compact.shape == (2, HALF_SIZE, 4) and states.action_mask.shape == (2, HALF_SIZE, 2)
    np.testing.assert_array_equal(states.compact, task.probe_states(params).compact)
    position, angle = np.abs(states.compact[..., 0]), np.abs(states.compact[..., 2])
    assert position.max() <= 2.4 and angle.max() <= 0.2095  # beyond, an episode has ended and nothing is decided
    assert angle.max() > 0.15 and np.ptp(states.compact[..., 3]) > 2  # starts lie within 0.05
    halves = np.asarray(states.compact)
    assert not (halves[0][:, None] == halves[1][None]).all(axis=-1).any()
    assert np.asarray(states.action_mask).all()
    assert (np.asarray(task.probe_contexts(states.compact, params)) == 0).all()


def test_a_step_that_ends_an_episode_says_so_in_its_word(cartpole):
    task, params = cartpole
    word = EventWord.of(task.diagnostics)
    state = task.initial_state(jax.random.key(0), params)
    transition = jax.jit(task.transition)
    ended = []
    for _ in range(30):  # always to the right: the pole falls after about ten steps
        step = transition(jax.random.key(1), state, jnp.int32(1), params)
        assert int(word.action(step.event)) == 1 and step.outcome == ()
        ended.append(bool(word.flag(step.event, "episode_end")))
        assert ended[-1] == bool(step.terminated)
        if ended[-1]:
            break
        state = step.state
    assert 5 < len(ended) < 20 and ended[-1] and not any(ended[:-1])


def test_an_episode_that_is_cut_off_ends_in_its_word_too(cartpole):
    task, params = cartpole
    short = params.replace(max_steps_in_episode=2)
    state = task.initial_state(jax.random.key(0), short)
    ended = []
    for _ in range(2):
        step = task.transition(jax.random.key(1), state, jnp.int32(0), short)
        word = EventWord.of(task.diagnostics).flag(step.event, "episode_end")
        ended.append((bool(word), bool(step.terminated), bool(step.truncated)))
        state = step.state
    assert ended == [(False, False, False), (True, False, True)]


def test_observations_of_any_shape_and_kind_become_float_features():
    env, params = gymnax.make("FourRooms-misc")
    task = GymnaxTask(env, params)
    states = task.probe_states(params)
    features = task.expand(states.compact, params)
    assert features.shape == (2, HALF_SIZE, task.num_inputs) and features.dtype == jnp.float32


def test_a_description_for_another_number_of_actions_is_refused():
    with pytest.raises(ConfigError, match="CartPole-v1 has 2 actions, its description 3"):
        GymnaxTask(*gymnax.make("CartPole-v1"), diagnostics=plain_diagnostics("CartPole-v1", 3))
