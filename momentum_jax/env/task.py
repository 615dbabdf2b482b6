"""The seam between the learner and an environment.

The learner stores *compact* observations and *expands* them to features in each minibatch; by default both are the
identity, so any gymnax environment trains with the same learner. An environment whose observation repeats numbers may
name each of them once: `input_counts` says how many inputs a feature stands for (see `env.observation_layout`,
`ppo.optimizers`).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment, spaces

from momentum_jax.diagnostics import events
from momentum_jax.fields import ConfigError


class Step(NamedTuple):
    """One step of one environment, before any reset."""

    state: Any
    reward: jax.Array  # [] float
    terminated: jax.Array  # [] bool
    truncated: jax.Array  # [] bool
    event: jax.Array  # [] int32, see `diagnostics.events`
    trade_return: jax.Array  # [] float


class Exogenous(NamedTuple):
    """What T coming steps of one environment bring, whatever is done: looked up once, outside the rollout's loop."""

    features: jax.Array  # [T, E] float32: the first E features of each step's observation
    ahead: Any  # leaves [T, ...]; a step hands its own to `compact`, `transition` and `initial_state`


class Task(Protocol):
    """What the learner asks of an environment. Functions are pure; `params` is what `bind` returned.

    Most environments answer `exogenous` with () and know neither `ahead` nor `expand_rest`.
    """

    num_actions: int  # at most `events.MAX_ACTIONS`
    num_inputs: int  # inputs of the whole first layer, D
    input_counts: np.ndarray  # [F]: how many of them each feature stands for
    truncates: bool  # whether episodes can be cut off without ending

    def bind(self, shared: Any, options: Any) -> Any:
        """Parameters of one run, from what all runs share and what is the run's own."""

    def exogenous(self, state: Any, reset_keys: jax.Array, params: Any) -> Exogenous | tuple[()]:
        """What does not depend on actions in the coming steps of one environment, or () where there is nothing.

        `reset_keys` [T]: step t's episode, should it end there, is followed by one that `initial_state` draws from
        `reset_keys[t]`.
        """

    def initial_state(self, key: jax.Array, params: Any, *ahead: Any) -> Any: ...

    def transition(self, key: jax.Array, state: Any, action: jax.Array, params: Any, *ahead: Any) -> Step: ...

    def action_mask(self, state: Any, params: Any) -> jax.Array:
        """[num_actions] bool, True = legal."""

    def compact(self, state: Any, params: Any, *ahead: Any) -> Any:
        """What a rollout stores of a state's observation."""

    def expand(self, compact: Any, params: Any) -> jax.Array:
        """Features [..., F] of stored observations [...], each times its count of inputs."""

    def expand_rest(self, compact: Any, params: Any) -> jax.Array:
        """Features [..., F - E]: those of `expand` that follow the E of `exogenous`."""

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, Any]:
        """Rows [F, H] of a first layer's kernel [D, H], a mean where a row is shared, and what the means leave out."""

    def restore_kernel(self, rows: np.ndarray, deviations: Any) -> np.ndarray:
        """The whole kernel [D, H] again, on the host."""


class _ObservedState(NamedTuple):
    env_state: Any
    observation: jax.Array


class GymnaxTask:
    """Any gymnax environment with a discrete action space: all actions legal, observations stored as they are."""

    truncates = True

    def __init__(self, env: environment.Environment, params: Any):
        """`params` is an example of the environment's parameters; it gives the spaces' shapes.

        Raises:
          ConfigError: the action space is not discrete, or observations are not arrays.
        """
        self._env = env
        actions, observations = env.action_space(params), env.observation_space(params)
        if not isinstance(actions, spaces.Discrete):
            raise ConfigError(
                f"{env.name} has the action space {_space_text(actions)}: the policy chooses one of n actions, so give "
                f"an environment whose action space is Discrete, or wrap this one with a list of actions"
            )
        if not isinstance(observations, spaces.Box | spaces.Discrete):
            raise ConfigError(
                f"{env.name} has the observation space {_space_text(observations)}: observations must be one array, so "
                f"wrap the environment to join theirs"
            )
        self.num_actions = int(actions.n)
        self.num_inputs = math.prod(observations.shape)
        self.input_counts = np.ones(self.num_inputs, np.float32)

    def bind(self, shared: Any, options: Any) -> Any:
        del options
        return shared

    def exogenous(self, state: _ObservedState, reset_keys: jax.Array, params: Any) -> tuple[()]:
        del state, reset_keys, params
        return ()

    def initial_state(self, key: jax.Array, params: Any) -> _ObservedState:
        observation, state = self._env.reset_env(key, params)
        return _ObservedState(_strongly_typed(state), observation)

    def transition(self, key: jax.Array, state: _ObservedState, action: jax.Array, params: Any) -> Step:
        observation, env_state, reward, terminated, _ = self._env.step_env(key, state.env_state, action, params)
        truncated = self._env.is_truncated(env_state, params)
        terminated = jnp.asarray(terminated, bool)
        ended = terminated | truncated
        return Step(
            state=_ObservedState(_strongly_typed(env_state), observation),
            reward=jnp.asarray(reward, jnp.float32),
            terminated=terminated,
            truncated=truncated & ~terminated,
            event=events.pack(action, jnp.zeros_like(action), episode_end=ended),
            trade_return=jnp.zeros((), jnp.float32),
        )

    def action_mask(self, state: _ObservedState, params: Any) -> jax.Array:
        del state, params
        return jnp.ones((self.num_actions,), bool)

    def compact(self, state: _ObservedState, params: Any) -> jax.Array:
        del params
        return state.observation

    def expand(self, compact: jax.Array, params: Any) -> jax.Array:
        del params
        return compact.reshape(-1, self.num_inputs)

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, Any]:
        return kernel, ()

    def restore_kernel(self, rows: np.ndarray, deviations: Any) -> np.ndarray:
        del deviations
        return rows


def _space_text(space: Any) -> str:
    return f"{type(space).__name__}{getattr(space, 'shape', '')}"


def _strongly_typed(state: Any) -> Any:
    """gymnax's own environments start with Python zeros: weak types in a carried state recompile the program."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.asarray(leaf).dtype), state)
