"""Acting: `num_steps` steps of `num_envs` environments with a fixed policy."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env.task import Task
from momentum_jax.ppo import distributions, networks
from momentum_jax.ppo.options import PPOConfig


class Trajectory(NamedTuple):
    """What the environments went through, time first: T steps of M environments."""

    compact: Any  # leaves [T, M, ...]
    action_mask: jax.Array  # [T, M, A] bool
    action: jax.Array  # [T, M] int32
    reward: jax.Array  # [T, M] float32
    terminated: jax.Array  # [T, M] bool
    truncated: jax.Array  # [T, M] bool
    final: Any  # leaves [T, M, ...]: compact observation before the reset, () if the task never truncates
    event: jax.Array  # [T, M] int32
    trade_return: jax.Array  # [T, M] float32

    @property
    def ended(self) -> jax.Array:
        return self.terminated | self.truncated


def collect(
    task: Task,
    config: PPOConfig,
    params: networks.Params,
    env_state: Any,
    env_params: Any,
    action_key: jax.Array,
    market_key: jax.Array,
) -> tuple[Any, Trajectory]:
    """Advance the environments (state leaves [M, ...]) and return them with the trajectory."""
    shape = (config.num_steps, config.num_envs)
    # All noise of a rollout is drawn at once: one large kernel instead of a small one a step.
    gumbel = jax.random.gumbel(action_key, (*shape, task.num_actions), jnp.float32)
    step_keys = jax.random.split(market_key, shape)
    act = jax.vmap(partial(_act, task, config, networks.policy_tower(params), env_params))

    def advance(state: Any, noise: tuple[jax.Array, jax.Array]) -> tuple[Any, Trajectory]:
        return act(state, *noise)

    return jax.lax.scan(advance, env_state, (gumbel, step_keys))


def _act(
    task: Task,
    config: PPOConfig,
    policy: tuple[networks.Dense, ...],
    env_params: Any,
    state: Any,
    gumbel: jax.Array,
    key: jax.Array,
) -> tuple[Any, Trajectory]:
    """One step of one environment: decide, step, start a new episode where one has ended."""
    compact = task.compact(state, env_params)
    mask = task.action_mask(state, env_params)
    features = task.expand(jax.tree.map(lambda leaf: leaf[None], compact), env_params)
    logits = networks.apply_tower(policy, features, config.activation)[0]
    action = distributions.sample(distributions.masked_log_probs(logits, mask), gumbel)
    step_key, reset_key = jax.random.split(key)
    step = task.transition(step_key, state, action, env_params)
    ended = step.terminated | step.truncated
    fresh = task.initial_state(reset_key, env_params)
    next_state = jax.tree.map(partial(jnp.where, ended), fresh, step.state)
    return next_state, Trajectory(
        compact=compact,
        action_mask=mask,
        action=action,
        reward=step.reward.astype(jnp.float32),
        terminated=step.terminated,
        truncated=step.truncated,
        final=task.compact(step.state, env_params) if task.truncates else (),
        event=step.event,
        trade_return=step.trade_return.astype(jnp.float32),
    )
