"""Environments that do not give what they declare: one line each, before anything is compiled."""

from __future__ import annotations

import dataclasses

import gymnasium
import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from gymnax.environments import environment, spaces

from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.fields import ConfigError


@struct.dataclass
class State(environment.EnvState):
    place: jax.Array


class Walk(environment.Environment):
    """Sound: a walk along a line. Its state's time is a Python number at the start, as in gymnax's own."""

    default_params = environment.EnvParams(max_steps_in_episode=5)

    def reset_env(self, key, params):
        return jnp.zeros((2,)), State(time=0, place=jnp.zeros(()))

    def step_env(self, key, state, action, params):
        state = State(time=state.time + 1, place=state.place + action)
        return jnp.stack([state.place, state.place]), state, 1, False, {}

    def action_space(self, params=None):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(-1.0, 1.0, (2,))


def changed(**parts):
    """The walk with other functions; each takes what the walk's own one returns, and the arguments."""
    own = {}
    for name, change in parts.items():
        original = getattr(Walk, name)
        own[name] = lambda self, *given, original=original, change=change: change(original(self, *given))
    return type("Odd", (Walk,), own)()


def with_part(number, value):
    return lambda found: (*found[:number], value, *found[number + 1 :])


def fail(found):
    raise KeyError("wall")


CASES = {
    "continuous": (
        {"action_space": lambda _: spaces.Box(-1.0, 1.0, (1,))},
        r"Odd has the action space Box\(1,\): the policy chooses one of n actions",
    ),
    "several": (
        {"observation_space": lambda _: spaces.Tuple([spaces.Discrete(2)])},
        "Odd has the observation space Tuple.*: observations must be one array",
    ),
    "empty": (
        {"observation_space": lambda _: spaces.Box(-1.0, 1.0, (0,))},
        r"Odd has observations of shape \(0,\), which hold no number",
    ),
    "shape": (
        {"reset_env": with_part(0, jnp.zeros((3,)))},
        r"Odd: reset_env returns an observation of float32 \(3,\), expected numbers \(2,\)",
    ),
    "later shape": (
        {"step_env": with_part(0, jnp.zeros((3,)))},
        r"Odd: step_env returns an observation of float32 \(3,\), expected numbers \(2,\)",
    ),
    "later type": (
        {"step_env": with_part(0, jnp.zeros((2,), jnp.int32))},
        "Odd: step_env returns an observation of int32, expected float32 as from reset_env",
    ),
    "reward": (
        {"step_env": with_part(2, jnp.zeros((1,)))},
        r"Odd: step_env returns a reward of float32 \(1,\), expected numbers \(\)",
    ),
    "imaginary": (
        {"step_env": with_part(2, jnp.complex64(1))},
        r"Odd: step_env returns a reward of complex64 \(\), expected real numbers \(\)",
    ),
    "spaces of another library": (
        {"action_space": lambda _: gymnasium.spaces.Discrete(2)},
        r"Odd has the action space gymnasium\.spaces\.\S*Discrete\(\), which is none of gymnax\.environments\.spaces: ",
    ),
    "text": ({"step_env": with_part(2, "much")}, "Odd: step_env returns 'much', expected arrays: observation"),
    "none": ({"reset_env": lambda _: None}, r"Odd: reset_env returns 1 value\(s\), expected 2: observation, state"),
    "four values": ({"step_env": lambda found: found[:4]}, r"Odd: step_env returns 4 value\(s\), expected 5: observat"),
    "error": ({"step_env": fail}, r"Odd: step_env fails: KeyError: 'wall' \(line \d+\)$"),
    "state type": (
        {"step_env": lambda found: (found[0], found[1].replace(place=jnp.int32(0)), *found[2:])},
        r"Odd: the state's .*place is float32 \(\) from reset_env and int32 \(\) from step_env: give both the same",
    ),
    "state parts": (
        {"step_env": with_part(1, environment.EnvState(time=0))},
        "Odd: step_env returns a state with other parts than that of reset_env",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_an_environment_does_not_keep_to_is_one_line(case: str):
    parts, expected = CASES[case]
    with pytest.raises(ConfigError, match=expected) as caught:
        GymnaxTask(changed(**parts), Walk.default_params)
    assert "\n" not in str(caught.value)


def test_an_environment_without_a_limit_to_its_episodes_says_how_to_have_none():
    with pytest.raises(ConfigError, match=r"Walk: is_truncated fails: AttributeError: .*max_steps_in_episode"):
        GymnaxTask(Walk(), dataclasses.make_dataclass("Params", [])())


def test_what_a_step_says_beside_may_be_anything():
    task = GymnaxTask(changed(step_env=with_part(4, {"note": "a wall"})), Walk.default_params)
    assert task.observation_shape == (2,)


def test_the_walk_itself_is_taken():
    assert GymnaxTask(Walk(), Walk.default_params).observation_shape == (2,)


def test_a_place_among_n_is_seen_as_n_features_of_which_one_is_1():
    env, params = gymnax.make("FrozenLake-misc")
    task = GymnaxTask(env, params)
    assert (task.observation_shape, task.num_categories, task.num_inputs) == ((), 16, 16)
    assert task.compact_bytes == 4
    np.testing.assert_array_equal(task.expand(jnp.asarray([[3], [0]]), params)[:, 0], np.eye(16)[[3, 0]])


def test_a_place_that_is_not_declared_is_refused_before_training():
    env = changed(
        observation_space=lambda _: spaces.Discrete(3),
        reset_env=lambda found: (found[1].time, found[1]),
        step_env=lambda found: (found[1].time, *found[1:]),
    )
    with pytest.raises(ConfigError, match=r"^Odd gives the observation 4, which is none of its Discrete\(3\)$"):
        GymnaxTask(env, Walk.default_params).probe_states(Walk.default_params)
