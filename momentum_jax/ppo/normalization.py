"""Observations and rewards on a common scale, by running statistics of the run itself.

The scale is that of stable-baselines3's `VecNormalize`: observations less their mean, over their standard deviation;
rewards over the standard deviation of the discounted return so far, their mean kept; both clipped to ±10.

Statistics change once an update, not at each step. A whole rollout acts and is learned from with the observations'
statistics of all rollouts before it, so that the probabilities of a batch are those that acted; the first rollout has
mean 0 and variance 1. Rewards do not act: they are scaled with their own rollout's returns counted already.

Off, a part is () in the state, and nothing of it is traced.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.ppo import moments
from momentum_jax.ppo.agent import Agent
from momentum_jax.ppo.moments import Moments
from momentum_jax.ppo.rollout import Trajectory
from momentum_jax.ppo.scaling import CLIP, Scaling
from momentum_jax.ppo.traced_config import PPOConfig


class Statistics(NamedTuple):
    """What a run knows of the scale of its environment."""

    observations: Moments | tuple[()] = ()  # leaves [F], of the features less their counts
    returns: Moments | tuple[()] = ()  # leaves []
    discounted: jax.Array | tuple[()] = ()  # [M] float32: each environment's discounted return so far


def unknown(agent: Agent, config: PPOConfig) -> Statistics:
    """Before the first rollout."""
    return Statistics(
        observations=moments.unknown((agent.task.input_counts.size,)) if config.normalize_observations else (),
        returns=moments.unknown(()) if config.normalize_rewards else (),
        discounted=jnp.zeros((config.num_envs,), jnp.float32) if config.normalize_rewards else (),
    )


def scaling(statistics: Statistics) -> Scaling | None:
    """How observations are seen now; None where they are seen as they are."""
    found = statistics.observations
    return Scaling(found.mean.value, found.deviation) if isinstance(found, Moments) else None


def reward_deviation(statistics: Statistics) -> jax.Array | None:
    """What rewards are divided by now, []; None where they are learned from as they are."""
    return statistics.returns.deviation if isinstance(statistics.returns, Moments) else None


def after_rollout(
    agent: Agent, config: PPOConfig, env_params: Any, statistics: Statistics, trajectory: Trajectory
) -> tuple[Statistics, jax.Array]:
    """Statistics with a rollout counted, and its rewards [T, M] as they are learned from."""
    rewards = trajectory.reward
    if isinstance(statistics.observations, Moments):
        inputs = agent.inputs(trajectory.compact, env_params)
        counted = moments.merged(statistics.observations, inputs.reshape(-1, inputs.shape[-1]))
        statistics = statistics._replace(observations=counted)
    if isinstance(statistics.returns, Moments):
        discounted, returns = _discounted_returns(config, statistics.discounted, trajectory)
        known = moments.merged(statistics.returns, returns.ravel())
        statistics = statistics._replace(returns=known, discounted=discounted)
        rewards = jnp.clip(rewards / known.deviation, -CLIP, CLIP)
    return statistics, rewards


def _discounted_returns(config: PPOConfig, before: Any, trajectory: Trajectory) -> tuple[jax.Array, jax.Array]:
    """What [M] is carried on, and the discounted return [T, M] of each step's episode up to it."""

    def advance(carried: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        reward, ended = step
        discounted = config.gamma * carried + reward
        return jnp.where(ended, 0.0, discounted), discounted

    return jax.lax.scan(advance, before, (trajectory.reward, trajectory.ended))
