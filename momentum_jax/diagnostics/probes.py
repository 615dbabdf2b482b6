"""A fixed set of states on which every policy is asked for its exact action probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.diagnostics.variables import PRIMARY

HALF_SIZE = 1024
"""Probe states of each of the two halves, where the environment has so many."""


WARMED_SIZE = 256
"""Probe states of each half on which a network that remembers is asked once more, after the steps before them."""
WARMING_STEPS = 20
"""Steps that it goes through first."""

_BLOCK = 64  # runs that one thread compares at a time
_THREADS = 16


class History(NamedTuple):
    """The K steps before each probe state, oldest first."""

    compact: Any  # leaves [2, P, K, ...]
    start: jax.Array  # [2, P, K + 1] bool: an episode begins with the step, or with the probe state itself


class ProbeStates(NamedTuple):
    """States to ask about, in two disjoint halves of P."""

    compact: Any  # leaves [2, P, ...]: what a rollout would store of their observations
    action_mask: jax.Array | None  # [2, P, A] bool, True = legal; None: `Task.action_mask` says it of `env_state`
    env_state: Any = ()  # leaves [2, P, ...]: where a run's options decide what is legal in them
    history: History | tuple[()] = ()  # what a network that remembers goes through first; () for nothing

    def every(self, stride: int) -> ProbeStates:
        """Some of the states of each half."""
        return jax.tree.map(lambda leaf: leaf[:, ::stride], self)


def named_sets(states: ProbeStates | Mapping[str, ProbeStates]) -> dict[str, ProbeStates]:
    """What `Task.probe_states` returns, by name: several sets as they are, and one as the primary one."""
    return {PRIMARY: states} if isinstance(states, ProbeStates) else dict(states)


class ProbeRecord(NamedTuple):
    """What a policy answers on one set; its contexts C are left out where none are told apart."""

    p_action: jax.Array  # [2, C, A] float32: mean probabilities by context, NaN where no state has it
    probe_count: jax.Array  # [2, C] int32: states
    log_probs: jax.Array  # [2, P, A] float32


def answers(log_probs: jax.Array, contexts: jax.Array, num_contexts: int) -> ProbeRecord:
    """The record of a policy's log-probabilities [2, P, A] on states of the contexts [2, P] int32, 0 … C - 1."""
    member = jax.nn.one_hot(contexts, num_contexts, dtype=log_probs.dtype)  # [2, P, C]
    count = member.sum(axis=1)
    # Highest precision: these figures are called exact.
    total = jnp.einsum("hps,hpa->hsa", member, jnp.exp(log_probs), precision=jax.lax.Precision.HIGHEST)
    mean = jnp.where(count[..., None] > 0, total / jnp.maximum(count, 1)[..., None], jnp.nan)
    return ProbeRecord(p_action=mean, probe_count=count.astype(jnp.int32), log_probs=log_probs)


def answers_together(log_probs: jax.Array) -> ProbeRecord:
    """The record of a policy's log-probabilities [2, P, A] over all states of each half, whatever their contexts."""
    count = jnp.full(log_probs.shape[:1], log_probs.shape[1], jnp.int32)
    return ProbeRecord(p_action=jnp.exp(log_probs).mean(axis=1), probe_count=count, log_probs=log_probs)


def changes(before: np.ndarray | None, now: np.ndarray) -> dict[str, np.ndarray]:
    """How far policies have moved between two checkpoints, on the host.

    Args:
      before: log-probabilities [R, 2, P, A] at the checkpoint before, None at the first.
      now: those of this checkpoint.

    Returns:
      `churn` [R] float64, the share of states whose most probable action has changed, and `policy_kl` [R] float64, the
      mean divergence of the policies before from those of now; NaN at the first and where a policy is not finite.
    """
    if before is None:
        unknown = np.full(len(now), np.nan)
        return {"churn": unknown, "policy_kl": unknown.copy()}
    # Side by side: at a thousand runs one thread takes longer than an accelerator does for its next update.
    blocks = -(-len(now) // _BLOCK)
    with ThreadPoolExecutor(min(blocks, _THREADS)) as pool:
        parts = list(pool.map(_moved, np.array_split(before, blocks), np.array_split(now, blocks)))
    changed, divergence = (np.concatenate(found) for found in zip(*parts, strict=True))
    return {"churn": np.where(np.isfinite(divergence), changed, np.nan), "policy_kl": divergence}


def _moved(before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of states [R] whose most probable action has changed, and mean divergence [R]."""
    # Illegal actions have a large negative logit: probability 0 in both, and a finite difference.
    divergence = np.einsum("rhpa,rhpa->rhp", np.exp(before), before - now).mean(axis=(1, 2), dtype=np.float64)
    changed = (before.argmax(axis=-1) != now.argmax(axis=-1)).mean(axis=(1, 2))
    return changed, divergence
