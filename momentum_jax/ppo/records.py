"""What leaves the compiled program after each update."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

from momentum_jax.ppo import losses
from momentum_jax.ppo.traced_config import PPOConfig


class UpdateMetrics(NamedTuple):
    """Scalars of one update, means over its minibatches unless noted."""

    loss: jax.Array  # of the last minibatch
    policy_loss: jax.Array
    value_loss: jax.Array
    entropy: jax.Array
    approx_kl: jax.Array  # of the last epoch
    clip_fraction: jax.Array
    grad_norm: jax.Array  # before clipping
    explained_variance: jax.Array  # of the rollout's values
    advantage_std: jax.Array  # of the rollout's advantages, before normalisation


class UpdateRecord(NamedTuple):
    """One update: its rollout's events, and its metrics."""

    event: jax.Array  # [T, M] int32
    reward: jax.Array  # [T, M] float32
    outcome: Any  # [T, M] float32, the task's own number of each step; () if it has none
    metrics: UpdateMetrics


def summarize(
    config: PPOConfig,
    metrics: losses.MinibatchMetrics,
    grad_norms: jax.Array,
    advantage: jax.Array,
    returns: jax.Array,
    values: jax.Array,
) -> UpdateMetrics:
    """What is logged of an update, from its minibatches' metrics [epochs · minibatches] and its rollout [T·M]."""
    means = jax.tree.map(lambda leaf: leaf.mean(), metrics)._asdict()
    means["loss"] = metrics.loss[-1]
    # The reference begins a new list in each epoch: how far the policy has moved by the end.
    means["approx_kl"] = metrics.approx_kl[-config.num_minibatches :].mean()
    return UpdateMetrics(
        **means,
        grad_norm=grad_norms.mean(),
        explained_variance=losses.explained_variance(values, returns),
        advantage_std=advantage.std(),
    )
