"""Acting: `num_steps` steps of `num_envs` environments with a fixed policy."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.diagnostics.probes import History
from momentum_jax.networks import backend
from momentum_jax.networks.network import Params
from momentum_jax.ppo import distributions, packing
from momentum_jax.ppo.agent import Agent, Memory
from momentum_jax.ppo.legal_actions import checked_event, legal_actions
from momentum_jax.ppo.traced_config import PPOConfig


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
    memory: Memory | tuple[()] = ()  # before each step, leaves [T, M, ...]; () if the network remembers nothing

    @property
    def ended(self) -> jax.Array:
        return self.terminated | self.truncated


class Actors(NamedTuple):
    """The environments and what the network remembers of them, leaves [M, ...]."""

    env_state: Any
    memory: Memory | tuple[()]


class _Coming(NamedTuple):
    """What a step of one environment is given; with leading axes [T, M] what the rollout's loop runs over."""

    gumbel: jax.Array  # [A]
    step_key: jax.Array
    reset_key: jax.Array
    projected: tuple[Any, ...]  # () or (what the network makes of the step's exogenous features,)
    ahead: tuple[Any, ...]  # () or (the task's `ahead` of the step,)


def collect(
    agent: Agent,
    config: PPOConfig,
    params: Params,
    actors: Actors,
    env_params: Any,
    action_key: jax.Array,
    market_key: jax.Array,
) -> tuple[Actors, Trajectory]:
    """Advance the environments and return them with the trajectory.

    What does not depend on actions leaves the loop: noise and keys are drawn, exogenous observations looked up and,
    by a network that can, multiplied by its first layer for all steps at once, in one large kernel instead of a small
    one a step.
    """
    shape = (config.num_steps, config.num_envs)
    gumbel = jax.random.gumbel(action_key, (*shape, agent.task.num_actions), jnp.float32)
    keys = jax.vmap(jax.vmap(jax.random.split))(jax.random.split(market_key, shape))
    acting = agent.network.acting_params(params)
    exogenous = _exogenous(agent, acting, actors.env_state, env_params, keys[..., 1])
    coming = _Coming(gumbel, keys[..., 0], keys[..., 1], *exogenous)
    act = jax.vmap(partial(_act, agent, config, acting, env_params))
    # A loop carries and stores few arrays: each one costs it a copy or a kernel a step.
    carried = packing.of(actors, lead=1)
    stored = packing.of(jax.eval_shape(act, actors, jax.tree.map(lambda leaf: leaf[0], coming))[1], lead=1)

    def advance(packed: Any, step: _Coming) -> tuple[Any, Any]:
        following, outcome = act(carried.unpack(packed), step)
        return carried.pack(following), stored.pack(outcome)

    packed, outcomes = jax.lax.scan(advance, carried.pack(actors), coming, unroll=backend.choices().rollout_unroll)
    return carried.unpack(packed), stored.unpack(outcomes)


def remembered(agent: Agent, params: Params, env_params: Any, history: History) -> Memory:
    """What a network that remembers has before each of B states, once it has gone through the history [B, K] before."""
    acting = agent.network.acting_params(params)
    steps, size = history.start.shape[1] - 1, len(history.start)

    def act(memory: Memory, compact: Any) -> Any:
        return agent.act(acting, memory, compact, env_params, ())[0]

    def advance(carry: Any, step: tuple[Any, jax.Array]) -> tuple[Any, None]:
        compact, start = step
        return jax.vmap(act)(Memory(carry, start), compact), None

    timed = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1), (history.compact, history.start[:, :steps]))
    carry, _ = jax.lax.scan(advance, agent.network.init_carry(size), timed)
    return Memory(carry, history.start[:, steps])


def _exogenous(
    agent: Agent, acting: Params, env_state: Any, env_params: Any, reset_keys: jax.Array
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """`projected` and `ahead` of all steps: leaves [T, M, ...]."""
    found = jax.vmap(agent.task.exogenous, in_axes=(0, 1, None), out_axes=1)(env_state, reset_keys, env_params)
    return ((agent.project(acting, found),), (found.ahead,)) if found else ((), ())


def _act(
    agent: Agent, config: PPOConfig, acting: Params, env_params: Any, actor: Actors, coming: _Coming
) -> tuple[Actors, Trajectory]:
    """One step of one environment: decide, step, start a new episode where one has ended."""
    task, state, ahead = agent.task, actor.env_state, coming.ahead
    compact = task.compact(state, env_params, *ahead)
    mask = legal_actions(task, config, state, env_params)
    carry, logits = agent.act(acting, actor.memory, compact, env_params, coming.projected)
    action = distributions.sample(distributions.masked_log_probs(logits, mask), coming.gumbel)
    step = task.transition(coming.step_key, state, action, env_params, *ahead)
    ended = step.terminated | step.truncated
    fresh = task.initial_state(coming.reset_key, env_params, *ahead)
    next_state = jax.tree.map(partial(jnp.where, ended), fresh, step.state)
    memory = Memory(carry, ended) if agent.remembers else ()
    return Actors(next_state, memory), Trajectory(
        compact=compact,
        action_mask=mask,
        action=action,
        reward=step.reward.astype(jnp.float32),
        terminated=step.terminated,
        truncated=step.truncated,
        final=task.compact(step.state, env_params) if task.truncates else (),
        event=checked_event(task, step.event, mask),
        outcome=jax.tree.map(lambda outcome: outcome.astype(jnp.float32), step.outcome),
        memory=actor.memory,
    )
