"""Any gymnax environment with a discrete action space as a `Task`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment, spaces

from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.events import EventWord
from momentum_jax.diagnostics.probes import HALF_SIZE, ProbeStates
from momentum_jax.env.gymnax_check import check_spaces, check_steps
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.env.task import Step
from momentum_jax.fields import ConfigError

_PROBE_SEED = 20_261_126
_PROBE_ENVS, _PROBE_STEPS = 16, 256  # of each half; its probe states are drawn from all that were visited


class Telemetry(NamedTuple):
    """What an environment with a description of its own says of a step, leaves []."""

    flags: Mapping[str, jax.Array] = MappingProxyType({})  # bool, by name; flags that are left out are not set
    context: jax.Array | int = 0  # position of the decision's context
    outcome: jax.Array | tuple[()] = ()  # where a variable counts `Outcomes`


class ObservedState(NamedTuple):
    env_state: Any
    observation: jax.Array


class GymnaxTask:
    """All actions are legal, and observations are stored as they are.

    An observation that is one of N whole numbers, such as a place on a map, is N features of which one is 1: its
    numbers are names, not amounts.

    An environment with words of its own gives its description, and a subclass that fills in `telemetry` and, where it
    has contexts, `probe_contexts`. A subclass may also forbid actions by an `action_mask` of its own, which has to
    leave one legal in every state.
    """

    truncates = True

    def __init__(self, env: environment.Environment, params: Any, diagnostics: Diagnostics | None = None):
        """`params` is an example of the environment's parameters; it gives the spaces' shapes.

        Raises:
          ConfigError: the action space is not discrete, observations are not one array, a start or a step fails or
            does not return what is declared, or a description does not fit.
        """
        self._env = env
        check_spaces(env, params)
        check_steps(env, params)
        observations = env.observation_space(params)
        self.num_actions = int(env.action_space(params).n)
        self.observation_shape = observations.shape
        self.num_categories = int(observations.n) if isinstance(observations, spaces.Discrete) else None
        self.num_inputs = self.num_categories or math.prod(observations.shape)
        self.compact_bytes = math.prod(observations.shape) * np.dtype(observations.dtype).itemsize
        self.input_counts = np.ones(self.num_inputs, np.float32)
        limit = getattr(params, "max_steps_in_episode", None)
        self.episode_limit = None if limit is None else int(limit)
        self.diagnostics = diagnostics or plain_diagnostics(env.name, self.num_actions)
        if len(self.diagnostics.actions) != self.num_actions:
            raise ConfigError(
                f"{env.name} has {self.num_actions} actions, its description {len(self.diagnostics.actions)}"
            )
        self._event_word = EventWord.of(self.diagnostics)
        self.always_legal = getattr(self.action_mask, "__func__", None) is GymnaxTask.action_mask
        self._probes: tuple[Any, ProbeStates] | None = None  # what they were found with, and they

    @property
    def probe_draw(self) -> int:
        """Version of the way in which probe states are drawn: 2 walks by legal actions only."""
        return 1 if self.always_legal else 2

    def telemetry(self, before: Any, action: jax.Array, after: Any, info: dict[str, Any]) -> Telemetry:
        """What happened in a step, from the environment's states and its `info`; in the words of the description."""
        del before, action, after, info
        return Telemetry()

    def probe_contexts(self, compact: jax.Array, params: Any) -> jax.Array:
        """Position [...] int32 of the context in which each of the observations [..., *shape] would be decided."""
        del params
        return jnp.zeros(compact.shape[:2], jnp.int32)

    def bind(self, shared: Any, options: Any) -> Any:
        del options
        return shared

    def exogenous(self, state: ObservedState, reset_keys: jax.Array, params: Any) -> tuple[()]:
        del state, reset_keys, params
        return ()

    def initial_state(self, key: jax.Array, params: Any) -> ObservedState:
        observation, state = self._env.reset_env(key, params)
        return ObservedState(_strongly_typed(state), observation)

    def transition(self, key: jax.Array, state: ObservedState, action: jax.Array, params: Any) -> Step:
        observation, env_state, reward, terminated, info = self._env.step_env(key, state.env_state, action, params)
        truncated = jnp.asarray(self._env.is_truncated(env_state, params), bool)
        terminated = jnp.asarray(terminated, bool)
        telemetry = self.telemetry(state.env_state, action, env_state, info)
        flags = {name: jnp.asarray(flag, bool) for name, flag in self._known(telemetry.flags).items()}
        return Step(
            state=ObservedState(_strongly_typed(env_state), observation),
            reward=jnp.asarray(reward, jnp.float32),
            terminated=terminated,
            truncated=truncated & ~terminated,
            event=self._event_word.pack(action, telemetry.context, episode_end=terminated | truncated, **flags),
            outcome=telemetry.outcome,
        )

    def _known(self, flags: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
        unknown = sorted(flags.keys() - set(self.diagnostics.flags))
        if unknown:
            known = ", ".join(self.diagnostics.flags) or "none"
            raise ConfigError(
                f"telemetry sets the flag {unknown[0]!r}, which the description does not name: add it to the flags of "
                f"the description (they are: {known})"
            )
        return flags

    def decision_weights(self, event: jax.Array, params: Any) -> tuple[()]:
        del event, params
        return ()

    def action_mask(self, state: ObservedState, params: Any) -> jax.Array:
        del state, params
        return jnp.ones((self.num_actions,), bool)

    def compact(self, state: ObservedState, params: Any) -> jax.Array:
        del params
        return state.observation

    def expand(self, compact: jax.Array, params: Any) -> jax.Array:
        del params
        if self.num_categories is not None:
            return jax.nn.one_hot(compact, self.num_categories, dtype=jnp.float32)
        lead = compact.shape[: compact.ndim - len(self.observation_shape)]
        return compact.reshape(*lead, self.num_inputs).astype(jnp.float32)

    def expand_rest(self, compact: jax.Array, params: Any) -> jax.Array:
        return self.expand(compact, params)  # nothing is exogenous

    def observation(self, features: jax.Array) -> jax.Array:
        return features

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, Any]:
        return kernel, ()

    def restore_kernel(self, rows: np.ndarray, deviations: Any) -> np.ndarray:
        del deviations
        return rows

    def probe_states(self, shared: Any) -> ProbeStates:
        """States that a random policy visits by legal actions, the two halves in environments of their own.

        Raises:
          ConfigError: a place among them is none of those declared, or no action is legal in one of them.
        """
        if self._probes is None or self._probes[0] is not shared:
            found = self._visited(shared)
            if isinstance(found.compact, jax.core.Tracer):
                return found
            self._probes = shared, found
        return self._probes[1]

    def check_visited(self, shared: Any) -> None:
        """Raises as `probe_states`, where there is something to find; they are kept for it."""
        if self.num_categories is not None or not self.always_legal:
            self.probe_states(shared)

    def _visited(self, shared: Any) -> ProbeStates:
        keys = jax.random.split(jax.random.key(_PROBE_SEED, impl="threefry2x32"), (2, _PROBE_ENVS))
        walk = jax.jit(jax.vmap(jax.vmap(partial(self._random_walk, shared))))
        visited = jax.tree.map(  # [2, envs, steps, ...] to [2, envs · steps, ...]
            lambda leaf: leaf.reshape(2, _PROBE_ENVS * _PROBE_STEPS, *leaf.shape[3:]), walk(keys)
        )
        shape = visited[0].shape[:2]
        drawn = np.random.default_rng(_PROBE_SEED).permuted(np.arange(shape[1])[None].repeat(2, 0), axis=1)
        compact, mask = jax.tree.map(
            lambda leaf: jnp.stack([half[places] for half, places in zip(leaf, drawn[:, :HALF_SIZE], strict=True)]),
            visited,
        )
        self._check_places(compact)
        if self.always_legal:
            mask = jnp.ones((2, HALF_SIZE, self.num_actions), bool)
        elif not np.asarray(visited[1]).any(axis=-1).all():
            raise ConfigError(
                f"{self._env.name}: action_mask allows nothing in a state that legal actions lead to: leave at least "
                "one action legal in every state"
            )
        return ProbeStates(compact, mask)

    def _check_places(self, visited: jax.Array) -> None:
        """A place that is none of the declared ones would be features of which none is 1."""
        if self.num_categories is None:
            return
        for place in (int(visited.min()), int(visited.max())):
            if not 0 <= place < self.num_categories:
                space = f"Discrete({self.num_categories})"
                raise ConfigError(f"{self._env.name} gives the observation {place}, which is none of its {space}")

    def _random_walk(self, shared: Any, key: jax.Array) -> tuple[jax.Array, jax.Array | tuple[()]]:
        """Observations [steps, ...] of one environment under uniformly random legal actions, and the masks [steps, A].

        () for masks where everything is legal.
        """
        params = self.bind(shared, None)

        def advance(state: ObservedState, step_key: jax.Array) -> tuple[ObservedState, Any]:
            action_key, transition_key, reset_key = jax.random.split(step_key, 3)
            mask = () if self.always_legal else self.action_mask(state, params)
            step = self.transition(transition_key, state, self._random_action(action_key, mask), params)
            fresh = self.initial_state(reset_key, params)
            ended = step.terminated | step.truncated
            return jax.tree.map(partial(jnp.where, ended), fresh, step.state), (self.compact(state, params), mask)

        start_key, walk_key = jax.random.split(key)
        start = self.initial_state(start_key, params)
        return jax.lax.scan(advance, start, jax.random.split(walk_key, _PROBE_STEPS))[1]

    def _random_action(self, key: jax.Array, mask: jax.Array | tuple[()]) -> jax.Array:
        """One of the legal actions [] int32, all alike; of an empty mask the first."""
        if isinstance(mask, tuple):
            return jax.random.randint(key, (), 0, self.num_actions, jnp.int32)
        return jax.random.categorical(key, jnp.where(mask, 0.0, -jnp.inf)).astype(jnp.int32)


def _strongly_typed(state: Any) -> Any:
    """gymnax's own environments start with Python zeros: weak types in a carried state recompile the program."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.asarray(leaf).dtype), state)
