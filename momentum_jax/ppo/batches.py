"""From a trajectory to the batch that is learned from: values, advantages, and the order of the minibatches.

A network that remembers nothing learns from single transitions. One that remembers learns from sequences, each begun
with the state that the acting policy had there; gradients do not flow from one sequence into another. Sequences are
pieces of the rollout of equal length, shuffled whole; or, by rotation, what slices of a minibatch's size cut out of the
rotated rollout, environment by environment. Source of the rotation: sb3-contrib's RecurrentPPO.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.env.task import DecisionWeights
from momentum_jax.networks import backend
from momentum_jax.networks.network import Params
from momentum_jax.ppo import distributions, losses
from momentum_jax.ppo.agent import Agent, Memory
from momentum_jax.ppo.rollout import Actors, Trajectory
from momentum_jax.ppo.traced_config import PPOConfig

_SORTED_AS_WORDS = 4096  # leaves at least 20 bits of a word to chance


class Batch(NamedTuple):
    """Transitions to learn from, environment by environment; leading axis B = T·M, or a minibatch of it."""

    compact: Any
    action_mask: jax.Array  # [B, A] bool
    action: jax.Array  # [B] int32
    log_prob: jax.Array  # [B] under the policy that acted
    advantage: jax.Array  # [B]
    returns: jax.Array  # [B]
    memory: Memory | tuple[()] = ()  # before each step, leaves [B, ...]; () if the network remembers nothing
    weights: DecisionWeights | tuple[()] = ()  # leaves [B]; () where all decisions count alike


def prepare(
    agent: Agent, config: PPOConfig, params: Params, trajectory: Trajectory, actors: Actors, env_params: Any
) -> tuple[Batch, jax.Array]:
    """The flat batch [T·M] of a trajectory and its values [T·M]; `actors` are as the trajectory left them.

    Values and log-probabilities are computed here, in products over the whole rollout, rather than step by step.
    """
    steps, envs = config.num_steps, config.num_envs
    flat = _flatten(trajectory)
    features = agent.features(flat.compact, env_params)
    # Each transition by itself, from the state that was stored of it: products over all, and no loop over time.
    logits, flat_values = agent.evaluate(params, features, flat.memory, 1)
    log_probs = distributions.masked_log_probs(logits, flat.action_mask)
    values = flat_values.reshape(envs, steps).T
    last = jax.vmap(agent.task.compact, in_axes=(0, None))(actors.env_state, env_params)
    _, last_value = agent.evaluate(params, agent.features(last, env_params), actors.memory, 1)
    rewards = trajectory.reward
    if agent.task.truncates:
        final_features = agent.features(flat.final, env_params)
        final_values = _final_values(agent, params, features, final_features, flat.memory)
        bootstrap = jnp.where(trajectory.truncated, final_values.reshape(envs, steps).T, 0.0)
        rewards = rewards + config.gamma * bootstrap
    advantages = losses.generalized_advantages(
        rewards,
        values,
        trajectory.ended,
        last_value,
        config.gamma,
        config.gae_lambda,
        unroll=backend.choices().advantage_unroll,
    )
    chex.assert_shape(advantages, (steps, envs))
    batch = Batch(
        compact=flat.compact,
        action_mask=flat.action_mask,
        action=flat.action,
        log_prob=distributions.log_prob(log_probs, flat.action),
        advantage=_flatten(advantages),
        returns=_flatten(advantages + values),
        memory=flat.memory,
        weights=agent.decision_weights(flat.event, env_params),
    )
    return batch, flat_values


def _final_values(
    agent: Agent, params: Params, features: jax.Array, final_features: jax.Array, memory: Any
) -> jax.Array:
    """Values [B] of the observations that followed each step, before any reset."""
    if not agent.remembers:
        return agent.evaluate(params, final_features, (), 1)[1]
    # The state after a step is the one before it, taken through it: sequences of two steps.
    pairs = jnp.stack([features, final_features], axis=1).reshape(-1, features.shape[-1])
    doubled = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=0), memory)
    doubled = doubled._replace(start=doubled.start.at[1::2].set(False))
    return agent.evaluate(params, pairs, doubled, 2)[1][1::2]


def sequence_length(agent: Agent, config: PPOConfig) -> int:
    """Steps that are learned from in a row: 1, or as many as divide both rollout and minibatch, or a whole slice."""
    if not agent.remembers:
        return 1
    if config.minibatching == "rotation":
        return config.minibatch_size
    return math.gcd(config.num_steps, config.minibatch_size)


def order(key: jax.Array, agent: Agent, config: PPOConfig) -> jax.Array:
    """The batch's sequences as each epoch takes them, [epochs, T·M / length]; its transitions [epochs, T·M] rotated."""
    if config.minibatching == "rotation":
        return rotated(jax.random.randint(key, (config.num_epochs,), 0, config.rollout_size), config)
    return permutations(key, config, sequence_length(agent, config))


def rotated(rotations: jax.Array, config: PPOConfig) -> jax.Array:
    """The batch's transitions by the rotation of each epoch: from the r-th to the last, then from the first on."""
    return (rotations[:, None] + jnp.arange(config.rollout_size)) % config.rollout_size


def begins(rows: jax.Array, agent: Agent, config: PPOConfig) -> jax.Array | None:
    """Whether a sequence begins with each row within a slice, as at each environment's first step; None without slices.

    Episode starts need no more than their flag: the state is zero there, and gradients stop.
    """
    if agent.remembers and config.minibatching == "rotation":
        return rows % config.num_steps == 0
    return None


def minibatch_rows(ordered: jax.Array, config: PPOConfig, length: int) -> jax.Array:
    """Rows of the batch of each minibatch, [epochs · minibatches, minibatch_size], of what `order` returned."""
    if length == 1 or config.minibatching == "rotation":
        return ordered.reshape(-1, config.minibatch_size)
    rows = ordered.reshape(-1, config.minibatch_size // length)
    return (rows[..., None] * length + jnp.arange(length)).reshape(-1, config.minibatch_size)


def permutations(key: jax.Array, config: PPOConfig, length: int = 1) -> jax.Array:
    """One permutation of the sequences an epoch, [num_epochs, T·M / length].

    Rollouts of ordinary size sort random words that carry their place in their low bits, five times as fast as sorting
    pairs. Words that agree in all their other bits keep their order: of 512 transitions one pair in 2²³.
    """
    size = config.rollout_size // length
    if size > _SORTED_AS_WORDS:
        keys = jax.random.split(key, config.num_epochs)
        return jax.lax.map(lambda epoch_key: jax.random.permutation(epoch_key, size), keys)
    place_bits = np.uint32((1 << (size - 1).bit_length()) - 1)
    words = jax.random.bits(key, (config.num_epochs, size)) & ~place_bits | jnp.arange(size, dtype=jnp.uint32)
    return (jnp.sort(words, axis=-1) & place_bits).astype(jnp.int32)


def _flatten(tree: Any) -> Any:
    """Leaves [T, M, ...] to [M·T, ...], environment by environment."""
    return jax.tree.map(lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:]), tree)
