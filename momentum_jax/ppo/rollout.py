"""Acting: `num_steps` steps of `num_envs` environments with a fixed policy."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env.task import Task
from momentum_jax.networks import towers
from momentum_jax.ppo import distributions, packing
from momentum_jax.ppo.hyper_parameters import PPOConfig


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
    outcome: Any  # [T, M] float32, () if the task has none

    @property
    def ended(self) -> jax.Array:
        return self.terminated | self.truncated


class _Coming(NamedTuple):
    """What a step of one environment is given; with leading axes [T, M] what the rollout's loop runs over."""

    gumbel: jax.Array  # [A]
    step_key: jax.Array
    reset_key: jax.Array
    exogenous: tuple[Any, ...]  # () or (the first layer's sums over the exogenous features [H], the task's `ahead`)


def collect(
    task: Task,
    config: PPOConfig,
    params: towers.Params,
    env_state: Any,
    env_params: Any,
    action_key: jax.Array,
    market_key: jax.Array,
) -> tuple[Any, Trajectory]:
    """Advance the environments (state leaves [M, ...]) and return them with the trajectory.

    What does not depend on actions leaves the loop: noise and keys are drawn, exogenous observations looked up and
    multiplied by the first layer for all steps at once, in one large kernel instead of a small one a step.
    """
    shape = (config.num_steps, config.num_envs)
    gumbel = jax.random.gumbel(action_key, (*shape, task.num_actions), jnp.float32)
    keys = jax.vmap(jax.vmap(jax.random.split))(jax.random.split(market_key, shape))
    policy = towers.policy_tower(params)
    exogenous = _exogenous(task, policy, env_state, env_params, keys[..., 1])
    coming = _Coming(gumbel, keys[..., 0], keys[..., 1], exogenous)
    act = jax.vmap(partial(_act, task, config, policy, env_params))
    # A loop carries and stores few arrays: each one costs it a copy or a kernel a step.
    carried = packing.of(env_state, lead=1)
    stored = packing.of(jax.eval_shape(act, env_state, jax.tree.map(lambda leaf: leaf[0], coming))[1], lead=1)

    def advance(packed: Any, step: _Coming) -> tuple[Any, Any]:
        state, outcome = act(carried.unpack(packed), step)
        return carried.pack(state), stored.pack(outcome)

    packed, outcomes = jax.lax.scan(advance, carried.pack(env_state), coming)
    return carried.unpack(packed), stored.unpack(outcomes)


def _exogenous(
    task: Task, policy: tuple[towers.Dense, ...], env_state: Any, env_params: Any, reset_keys: jax.Array
) -> tuple[Any, ...]:
    """`_Coming.exogenous` of all steps: leaves [T, M, ...]."""
    found = jax.vmap(task.exogenous, in_axes=(0, 1, None), out_axes=1)(env_state, reset_keys, env_params)
    return (towers.partial_sums(policy[0], found.features), found.ahead) if found else ()


def _act(
    task: Task,
    config: PPOConfig,
    policy: tuple[towers.Dense, ...],
    env_params: Any,
    state: Any,
    coming: _Coming,
) -> tuple[Any, Trajectory]:
    """One step of one environment: decide, step, start a new episode where one has ended."""
    ahead = coming.exogenous[1:]
    compact = task.compact(state, env_params, *ahead)
    mask = task.action_mask(state, env_params)
    logits = _logits(task, config, policy, env_params, compact, coming)
    action = distributions.sample(distributions.masked_log_probs(logits, mask), coming.gumbel)
    step = task.transition(coming.step_key, state, action, env_params, *ahead)
    ended = step.terminated | step.truncated
    fresh = task.initial_state(coming.reset_key, env_params, *ahead)
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
        outcome=jax.tree.map(lambda outcome: outcome.astype(jnp.float32), step.outcome),
    )


def _logits(
    task: Task,
    config: PPOConfig,
    policy: tuple[towers.Dense, ...],
    env_params: Any,
    compact: Any,
    coming: _Coming,
) -> jax.Array:
    """The policy's logits [A] on one observation."""
    one = jax.tree.map(lambda leaf: leaf[None], compact)
    if not coming.exogenous:
        return towers.apply_tower(policy, task.expand(one, env_params), config.activation)[0]
    sums = coming.exogenous[0][None]
    return towers.apply_tower_to_rest(policy, sums, task.expand_rest(one, env_params), config.activation)[0]
