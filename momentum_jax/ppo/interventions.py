"""What a study changes of the learner itself to ask for causes; each is off by default and changes nothing then.

A program none of whose runs asks for one has None in its place (`fields.without_unused`), and nothing is traced.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.fields import is_off
from momentum_jax.networks.network import Network, Params
from momentum_jax.ppo.traced_config import PPOConfig

_REWARDS = 0xFFFFFFFF  # the minibatch stream's constant for permuted rewards; epochs count from 0


class PolicyStart(NamedTuple):
    """What the gradient steps of one update start from."""

    advantage: jax.Array  # [B]
    opt_state: Any  # the optimiser's
    ent_coef: Any  # []: a tracer where the configuration has a number


def bias_action_0(network: Network, params: Params, config: PPOConfig) -> Params:
    """Add `initial_action_bias` to the initial logits of action 0."""
    if is_off(config.initial_action_bias):
        return params
    return network.bias_logits(params, jnp.zeros((network.num_actions,)).at[0].add(config.initial_action_bias))


def learned_rewards(key: jax.Array, config: PPOConfig, rewards: jax.Array) -> jax.Array:
    """The rewards that are learned from, [T, M]: permuted over the whole rollout in the control.

    `key` is the update's key of the minibatch stream, so that no other draw of the seed changes.
    """
    if is_off(config.permute_rewards):
        return rewards
    permuted = jax.random.permutation(jax.random.fold_in(key, _REWARDS), rewards.ravel()).reshape(rewards.shape)
    return jnp.where(config.permute_rewards, permuted, rewards)


def start_policy(
    config: PPOConfig, update: jax.Array, advantage: jax.Array, opt_state: Any, fresh_state: Any
) -> PolicyStart:
    """Keep the policy still for the first `critic_only_updates`.

    Without advantages and entropy bonus the policy's gradient is exactly zero, and so are its moments and its part of
    the clipped norm. The optimiser starts from its `fresh_state` with the policy: a count that had run on would hardly
    correct the policy's young moments, and double Adam's first steps.
    """
    if is_off(config.critic_only_updates):
        return PolicyStart(advantage, opt_state, config.ent_coef)
    learns = update >= config.critic_only_updates
    starts = update == config.critic_only_updates
    return PolicyStart(
        advantage=jnp.where(learns, advantage, 0.0),
        opt_state=jax.tree.map(lambda fresh, leaf: jnp.where(starts, fresh, leaf), fresh_state, opt_state),
        ent_coef=jnp.where(learns, config.ent_coef, 0.0),
    )
