"""The interface between an environment and the learner and recorder.

The learner stores *compact* observations and *expands* them to features in each minibatch; by default both are the
identity, so any gymnax environment trains with the same learner. An environment whose observation repeats numbers may
name each of them once: `input_counts` says how many inputs a feature stands for (see `env.observation_layout`,
`ppo.optimizers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.probes import ProbeStates


class Step(NamedTuple):
    """One step of one environment, before any reset."""

    state: Any
    reward: jax.Array  # [] float
    terminated: jax.Array  # [] bool
    truncated: jax.Array  # [] bool
    event: jax.Array  # [] int32, see `diagnostics.events`
    outcome: jax.Array | tuple[()] = ()  # [] float: what the description's `Outcomes` count; () where it has none


class Exogenous(NamedTuple):
    """What T coming steps of one environment bring, whatever is done: looked up once, outside the rollout's loop."""

    features: jax.Array  # [T, E] float32: the first E features of each step's observation
    ahead: Any  # leaves [T, ...]; a step hands its own to `compact`, `transition` and `initial_state`


class DecisionWeights(NamedTuple):
    """How much each decision counts in what the policy minimises; leaves [...] float32, 1 for a decision like others.

    The critic and the normalisation of advantages take every decision as it is.
    """

    policy: jax.Array  # times the decision's clipped objective
    entropy: jax.Array  # times the decision's entropy, in the bonus


class Task(Protocol):
    """What an environment answers. Functions are pure; `params` is what `bind` returned.

    Most environments answer `exogenous` with () and know neither `ahead` nor `expand_rest`. One that knows which steps
    lead to its primary probe states may also have `probe_history(shared, states, num_steps)`, a `probes.History`, for
    networks that remember.
    """

    diagnostics: Diagnostics  # the environment's own words
    num_actions: int
    observation_shape: tuple[int, ...]  # of one observation, as a saved policy takes it
    num_categories: int | None  # N where an observation is one of 0 … N - 1; may be left out where it is not
    num_inputs: int  # inputs of the whole first layer, D
    input_counts: np.ndarray  # [F]: how many of them each feature stands for
    compact_bytes: int  # of what `compact` returns
    truncates: bool  # whether episodes can be cut off without ending

    episode_limit: int | None  # steps after which it ends an episode itself; a task that has none may leave this out
    # Whether every state has a legal action by construction. Where this is left out, each step is looked at, and a seed
    # that meets a state without one has failed.
    always_legal: bool

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

    def observation(self, features: jax.Array) -> jax.Array:
        """Whole observations [..., D] of features [..., F], for a network that does not take shared inputs."""

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, Any]:
        """Rows [F, H] of a first layer's kernel [D, H], a mean where a row is shared, and what the means leave out."""

    def restore_kernel(self, rows: np.ndarray, deviations: Any) -> np.ndarray:
        """The whole kernel [D, H] again, on the host."""

    def decision_weights(self, event: jax.Array, params: Any) -> DecisionWeights | tuple[()]:
        """Weights [...] of the decisions with the event words [...], or () where all count alike.

        A task that weighs nothing may leave this out.
        """

    def probe_states(self, shared: Any) -> ProbeStates | Mapping[str, ProbeStates]:
        """The states on which every policy is asked for its probabilities; the same whenever it is called.

        One set, or several by name: `variables.PRIMARY` first, then those of the description's `probe_sets`.
        """

    def probe_contexts(self, compact: Any, params: Any) -> jax.Array:
        """Position [...] int32 of each primary probe state's context, as the run's options have it."""


class EvaluatedApart(Protocol):
    """What a task answers beside whose evaluated episodes are others than those that it is trained in."""

    evaluation_steps: int  # of an evaluated episode by default

    def evaluation_params(self, params: Any, shared: Any) -> Any:
        """Parameters of one run for evaluated episodes, which are played on another `shared`."""

    def evaluation_start(self, key: jax.Array, params: Any, max_steps: jax.Array) -> Any:
        """Where an evaluated episode of at most `max_steps` [] int32 steps starts."""
