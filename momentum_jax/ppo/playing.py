"""A frozen policy in fresh episodes, apart from training: nothing here touches the streams that a run is trained with.

A seed's episodes are the same at every checkpoint and in every arm, so that policies of one seed are compared on common
random numbers. Those of two seeds are independent, so that the seed is the unit of a test over seeds.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.diagnostics.evaluation import EVALUATED, GREEDY, Episodes, Evaluation
from momentum_jax.env.task import EvaluatedApart
from momentum_jax.networks.network import Params
from momentum_jax.ppo import distributions
from momentum_jax.ppo.agent import Agent, Memory
from momentum_jax.ppo.legal_actions import legal_actions
from momentum_jax.ppo.traced_config import PPOConfig
from momentum_jax.processes.jax_settings import PRNG_IMPL

_EVALUATION_SEED = 20_261_127
_START = 0xFFFFFFFF  # an episode's constant for its start; its steps count from 0


class Plan(NamedTuple):
    """What is the same for every policy that is evaluated."""

    episodes: jax.Array  # [E] uint32: their numbers, from 0
    max_steps: jax.Array  # [] int32
    shared: Any = None  # what episodes are played on, see `Task.bind`; None where that is what the run is trained on


class _Player(NamedTuple):
    """One episode under way."""

    env_state: Any
    memory: Memory | tuple[()]
    total: jax.Array  # [] float32: rewards so far
    length: jax.Array  # [] int32: steps so far
    ended: jax.Array  # [] bool


def plan_of(evaluation: Evaluation, shared: Any = None) -> Plan:
    """The plan of an evaluation; `shared` as of `Plan`."""
    numbers = jnp.arange(evaluation.episodes, dtype=jnp.uint32)
    return Plan(episodes=numbers, max_steps=jnp.int32(evaluation.max_steps), shared=shared)


def episode_keys(plan: Plan, seed: int | jax.Array) -> jax.Array:
    """The key of each episode's start and steps, [E] typed.

    It depends on the seed's and the episode's number alone: neither on E, nor on arms, checkpoints or what runs beside.
    """
    root = jax.random.fold_in(jax.random.key(_EVALUATION_SEED, impl=PRNG_IMPL), seed)
    return jax.vmap(partial(jax.random.fold_in, root))(plan.episodes)


def play(
    agent: Agent, config: PPOConfig, params: Params, env_params: Any, plan: Plan, seed: int | jax.Array
) -> Episodes:
    """Play every episode of the plan to its end or the limit, with sampled and with greedy actions.

    Both have the same starts and the same chance in the environment. The loop ends with the last episode, so that its
    cost follows the longest one and not the limit.

    Args:
      agent, config, params, env_params: of the policy.
      plan: of the evaluation.
      seed: [] uint32, number of the seed whose episodes are played, see `episode_keys`.
    """
    keys = episode_keys(plan, seed)
    if plan.shared is not None:
        env_params = cast(EvaluatedApart, agent.task).evaluation_params(env_params, plan.shared)
    acting = agent.network.acting_params(params)
    scale = jnp.asarray([float(way != GREEDY) for way in EVALUATED], jnp.float32)  # of the noise that draws actions

    def one(way_scale: jax.Array, player: _Player, key: jax.Array, step: jax.Array) -> _Player:
        return _advanced(agent, config, acting, env_params, player, jax.random.fold_in(key, step), way_scale)

    each = jax.vmap(jax.vmap(one, in_axes=(None, 0, 0, None)), in_axes=(0, 0, None, None))

    def advance(carried: tuple[jax.Array, _Player]) -> tuple[jax.Array, _Player]:
        step, players = carried
        return step + 1, each(scale, players, keys, step.astype(jnp.uint32))

    def goes_on(carried: tuple[jax.Array, _Player]) -> jax.Array:
        step, players = carried
        return (step < plan.max_steps) & ~players.ended.all()

    starts = _starts(agent, env_params, plan, keys)
    both = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(EVALUATED), *leaf.shape)), starts)
    _, players = jax.lax.while_loop(goes_on, advance, (jnp.int32(0), both))
    return Episodes(returns=players.total, lengths=players.length, cut_off=~players.ended)


def _starts(agent: Agent, env_params: Any, plan: Plan, keys: jax.Array) -> _Player:
    """The episodes before their first step, leaves [E, ...]."""
    count = len(keys)
    task = agent.task

    def start(key: jax.Array) -> Any:
        start_key = jax.random.fold_in(key, np.uint32(_START))
        if plan.shared is not None:
            return cast(EvaluatedApart, task).evaluation_start(start_key, env_params, plan.max_steps)
        return task.initial_state(start_key, env_params)

    return _Player(
        env_state=jax.vmap(start)(keys),
        memory=agent.initial_memory(count),
        total=jnp.zeros((count,), jnp.float32),
        length=jnp.zeros((count,), jnp.int32),
        ended=jnp.zeros((count,), bool),
    )


def _advanced(
    agent: Agent,
    config: PPOConfig,
    acting: Params,
    env_params: Any,
    player: _Player,
    key: jax.Array,
    scale: jax.Array,
) -> _Player:
    """An episode after one more step, as `rollout` takes it; one that has ended counts nothing more."""
    task, state = agent.task, player.env_state
    action_key, step_key = jax.random.split(key)
    compact, mask = task.compact(state, env_params), legal_actions(task, config, state, env_params)
    carry, logits = agent.act(acting, player.memory, compact, env_params, ())
    noise = scale * jax.random.gumbel(action_key, (task.num_actions,), jnp.float32)
    action = distributions.sample(distributions.masked_log_probs(logits, mask), noise)
    step = task.transition(step_key, state, action, env_params)
    alive = ~player.ended
    return _Player(
        env_state=step.state,
        memory=Memory(carry, jnp.zeros_like(player.ended)) if agent.remembers else (),
        total=player.total + jnp.where(alive, step.reward.astype(jnp.float32), 0.0),
        length=player.length + alive,
        ended=player.ended | step.terminated | step.truncated,
    )
