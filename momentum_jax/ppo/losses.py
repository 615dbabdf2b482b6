"""PPO's clipped objective, advantages and what is logged of them, term by term as in the reference.

Sources: Schulman et al. 2017 (arXiv:1707.06347), 2016 (arXiv:1506.02438); details in `published_runs.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from momentum_jax.ppo.traced_config import PPOConfig


class MinibatchMetrics(NamedTuple):
    """Scalars of one minibatch."""

    loss: jax.Array
    policy_loss: jax.Array
    value_loss: jax.Array
    entropy: jax.Array
    approx_kl: jax.Array
    clip_fraction: jax.Array


def generalized_advantages(
    rewards: jax.Array,
    values: jax.Array,
    ended: jax.Array,
    last_value: jax.Array,
    gamma: ArrayLike,
    decay: ArrayLike,
    unroll: int = 1,
) -> jax.Array:
    """Advantages [T, M] of rewards, values, episode ends [T, M] and the value [M] of the state after the last step.

    `unroll` steps of the loop are computed in one turn.
    """
    next_values = jnp.concatenate([values[1:], last_value[None]])
    going_on = 1.0 - ended.astype(values.dtype)
    deltas = rewards + gamma * next_values * going_on - values

    def accumulate(advantage: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        delta, discount = step
        advantage = delta + discount * advantage
        return advantage, advantage

    discounts = jnp.asarray(gamma * decay) * going_on
    start = jnp.zeros_like(last_value)
    return jax.lax.scan(accumulate, start, (deltas, discounts), reverse=True, unroll=unroll)[1]


def normalized(advantages: jax.Array) -> jax.Array:
    """Zero mean and unit *sample* standard deviation (ddof = 1, + 1e-8), as in the reference."""
    return (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)


def ppo_loss(
    log_prob: jax.Array,
    entropy: jax.Array,
    values: jax.Array,
    old_log_prob: jax.Array,
    advantages: jax.Array,
    returns: jax.Array,
    config: PPOConfig,
    policy_weights: jax.Array | None = None,
    entropy_weights: jax.Array | None = None,
) -> tuple[jax.Array, MinibatchMetrics]:
    """Loss of one minibatch; every array [B]. The value loss is the plain mean squared error, without ½.

    Decisions count alike, or by `policy_weights` in the policy's objective and by `entropy_weights` in the bonus: the
    sums are divided by B all the same, so that a decision's gradient does not depend on the weights of the others.
    The metrics but `loss`, which is what is minimised, are of all decisions alike.
    """
    advantages = jnp.where(config.normalize_advantage, normalized(advantages), advantages)
    log_ratio = log_prob - old_log_prob
    ratio = jnp.exp(log_ratio)
    clipped = jnp.clip(ratio, 1.0 - config.clip_range, 1.0 + config.clip_range)
    objective = jnp.minimum(advantages * ratio, advantages * clipped)
    policy_loss = -objective.mean()
    value_loss = jnp.square(returns - values).mean()
    mean_entropy = entropy.mean()
    weighted_policy_loss = policy_loss if policy_weights is None else -(policy_weights * objective).mean()
    bonus = mean_entropy if entropy_weights is None else (entropy_weights * entropy).mean()
    loss = weighted_policy_loss - config.ent_coef * bonus + config.vf_coef * value_loss
    metrics = MinibatchMetrics(
        loss=loss,
        policy_loss=policy_loss,
        value_loss=value_loss,
        entropy=mean_entropy,
        approx_kl=((ratio - 1.0) - log_ratio).mean(),
        clip_fraction=(jnp.abs(ratio - 1.0) > config.clip_range).mean(dtype=jnp.float32),
    )
    return loss, metrics


def explained_variance(values: jax.Array, returns: jax.Array) -> jax.Array:
    """1 - Var(returns - values) / Var(returns); NaN where the returns do not vary."""
    variance = returns.var()
    return jnp.where(variance == 0, jnp.nan, 1.0 - (returns - values).var() / variance)
