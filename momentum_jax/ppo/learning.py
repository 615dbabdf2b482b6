"""Gradient steps over the minibatches of one batch."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from momentum_jax.networks import backend
from momentum_jax.networks.first_layer import map_feature_kernels
from momentum_jax.networks.network import Params
from momentum_jax.ppo import batches, distributions, losses, optimizers
from momentum_jax.ppo.agent import Agent
from momentum_jax.ppo.traced_config import PPOConfig


def learn(
    agent: Agent,
    config: PPOConfig,
    env_params: Any,
    learning_rate: ArrayLike,
    params: Params,
    opt_state: Any,
    batch: batches.Batch,
    order: jax.Array,
) -> tuple[Params, Any, tuple[losses.MinibatchMetrics, jax.Array]]:
    """Gradient steps over minibatches: consecutive slices of each epoch's order, see `batches.order`.

    Returns parameters, optimiser state, and (metrics, gradient norms before clipping) with leaves
    [epochs · minibatches].
    """
    padding = _padding(agent, config, params, opt_state)
    counts = _padded_counts(agent, padding)
    length = batches.sequence_length(agent, config)
    optimizer = optimizers.make(config, learning_rate, counts)
    gradient = jax.grad(partial(_minibatch_loss, agent, config, env_params, padding, length), has_aux=True)

    def minibatch_step(carry: tuple[Any, Any], rows: jax.Array) -> tuple[tuple[Any, Any], tuple[Any, jax.Array]]:
        params, opt_state = carry
        minibatch = jax.tree.map(lambda leaf: leaf[rows], batch)
        gradients, metrics = gradient(params, minibatch, batches.begins(rows, agent, config))
        norm = optimizers.global_norm(gradients, counts)
        updates, opt_state = optimizer.update(gradients, opt_state, params, norm=norm)
        return (optax.apply_updates(params, updates), opt_state), (metrics, norm)

    carry = _padded((params, opt_state), padding)
    rows = batches.minibatch_rows(order, config, length)
    carry, metrics = jax.lax.scan(minibatch_step, carry, rows)
    return *_unpadded(carry, padding), metrics


def _minibatch_loss(
    agent: Agent,
    config: PPOConfig,
    env_params: Any,
    padding: int,
    length: int,
    params: Params,
    minibatch: batches.Batch,
    begins: jax.Array | None,
) -> tuple[jax.Array, losses.MinibatchMetrics]:
    features = jnp.pad(agent.features(minibatch.compact, env_params), ((0, 0), (0, padding)))
    logits, values = agent.evaluate(params, features, minibatch.memory, length, begins)
    log_probs = distributions.masked_log_probs(logits, minibatch.action_mask)
    policy_weights, entropy_weights = minibatch.weights or (None, None)
    return losses.ppo_loss(
        log_prob=distributions.log_prob(log_probs, minibatch.action),
        entropy=distributions.entropy(log_probs, minibatch.action_mask),
        values=values,
        old_log_prob=minibatch.log_prob,
        advantages=minibatch.advantage,
        returns=minibatch.returns,
        config=config,
        policy_weights=policy_weights,
        entropy_weights=entropy_weights,
    )


def _padding(agent: Agent, config: PPOConfig, params: Params, opt_state: Any) -> int:
    """How many features of zeros the backend wants after the others.

    None where the optimiser's state is not laid out as the parameters are, such as one vector of all of them.
    """
    rows = -len(agent.input_counts) % backend.choices().feature_multiple
    if not rows or not agent.network.reads_features:
        return 0
    init = optimizers.make(config, config.learning_rate, _padded_counts(agent, rows)).init
    expected = jax.eval_shape(lambda params: init(_padded(params, rows)), params)

    def padded(leaf: Any) -> jax.ShapeDtypeStruct:
        shape = (*(length + rows for length in leaf.shape[:1]), *leaf.shape[1:])
        return jax.ShapeDtypeStruct(shape, leaf.dtype)

    found = map_feature_kernels(padded, opt_state)
    return rows if jax.tree.map(jnp.shape, expected) == jax.tree.map(jnp.shape, found) else 0


def _padded_counts(agent: Agent, padding: int) -> jax.Array:
    """The features' input counts, 1 for each that is filled up."""
    return jnp.asarray(np.pad(agent.input_counts, (0, padding), constant_values=1.0))


def _padded(tree: Any, rows: int) -> Any:
    """Parameters and their moments with so many rows of zeros after each feature kernel's."""
    return map_feature_kernels(lambda kernel: jnp.pad(kernel, ((0, rows), (0, 0))), tree) if rows else tree


def _unpadded(tree: Any, rows: int) -> Any:
    """`_padded` undone."""
    return map_feature_kernels(lambda kernel: kernel[: len(kernel) - rows], tree) if rows else tree
