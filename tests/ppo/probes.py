"""Environments whose right answers are known, each small enough to find one kind of mistake."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.env.task import Step


class State(NamedTuple):
    time: jax.Array
    observation: jax.Array  # [1]


class Probe:
    """A task of one observed number; subclasses give rewards and ends."""

    num_actions, num_inputs, truncates = 2, 1, False
    input_counts = np.ones(1, np.float32)
    length = 1
    diagnostics = plain_diagnostics("probe", 2)

    def bind(self, shared: Any, options: Any) -> Any:
        return ()

    def exogenous(self, state: State, reset_keys: jax.Array, params: Any) -> tuple[()]:
        return ()

    def initial_state(self, key: jax.Array, params: Any) -> State:
        return State(jnp.zeros((), jnp.int32), self.observe(key, jnp.zeros((), jnp.int32)))

    def observe(self, key: jax.Array, time: jax.Array) -> jax.Array:
        return time.astype(jnp.float32)[None]

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        raise AssertionError("a probe defines its reward")

    def transition(self, key: jax.Array, state: State, action: jax.Array, params: Any) -> Step:
        time = state.time + 1
        ended = time >= self.length
        no = jnp.zeros((), bool)
        return Step(
            state=State(time, self.observe(key, time)),
            reward=self.reward(state, action),
            terminated=no if self.truncates else ended,
            truncated=ended if self.truncates else no,
            event=EventWord.of(self.diagnostics).pack(action, episode_end=ended),
        )

    def action_mask(self, state: State, params: Any) -> jax.Array:
        return jnp.ones((self.num_actions,), bool)

    def compact(self, state: State, params: Any) -> jax.Array:
        return state.observation

    def expand(self, compact: jax.Array, params: Any) -> jax.Array:
        return compact

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, Any]:
        return kernel, ()

    def restore_kernel(self, rows: np.ndarray, deviations: Any) -> np.ndarray:
        return rows


class ConstantReward(Probe):
    """One step, always 1: the value is 1."""

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        return jnp.ones(())


class Bandit(Probe):
    """One step; action 1 pays 1, action 0 nothing."""

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        return action.astype(jnp.float32)


class ContextBandit(Probe):
    """One step; observes -1 or +1 and is paid for the action of the same sign."""

    def observe(self, key: jax.Array, time: jax.Array) -> jax.Array:
        return jnp.where(jax.random.bernoulli(key), 1.0, -1.0)[None]

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        return ((action > 0) == (state.observation[0] > 0)).astype(jnp.float32)


class DelayedReward(Probe):
    """Two steps; the reward 1 comes with the second: values are γ and 1."""

    length = 2

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        return (state.time == 1).astype(jnp.float32)


class CutOff(Probe):
    """Starts at 0 or 1, observes 1 ever after, and is paid what it observes; cut off after two steps.

    Bootstrapped from the end's observation, which is 1, the values are 1 / (1 - γ) at 1 and γ / (1 - γ) at 0.
    The next start's observation, 0 or 1, would make both smaller.
    """

    truncates, length = True, 2

    def observe(self, key: jax.Array, time: jax.Array) -> jax.Array:
        return jnp.where((time > 0) | jax.random.bernoulli(key), 1.0, 0.0)[None]

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        return state.observation[0]


class MaskOnly(Probe):
    """Three actions, of which the observation's sign rules out one; the illegal one would pay best."""

    num_actions = 3
    diagnostics = plain_diagnostics("probe", 3)

    def observe(self, key: jax.Array, time: jax.Array) -> jax.Array:
        return jnp.where(jax.random.bernoulli(key), 1.0, -1.0)[None]

    def action_mask(self, state: State, params: Any) -> jax.Array:
        illegal = jnp.where(state.observation[0] > 0, 0, 2)
        return jnp.arange(3) != illegal

    def reward(self, state: State, action: jax.Array) -> jax.Array:
        return jnp.where(self.action_mask(state, ())[action], (action == 1).astype(jnp.float32), 10.0)
