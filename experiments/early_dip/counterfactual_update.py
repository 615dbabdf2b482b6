"""One update of a run, and the same update on edited copies of its rollout: what would the policy have learned?

All copies start from the same parameters, optimiser, rollout, values and minibatches. They differ in the rewards (as
they were, or 0 at forced stops) and in the decisions that the policy learns from (all, or those taken flat or in a
position alone). The run goes on with the update as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.config import EnvOptions, PPOConfig
from momentum_jax.diagnostics.probes import ProbeStates
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env import rules
from momentum_jax.env.device_market import Market
from momentum_jax.env.momentum import EnvParams, Momentum, typed_options
from momentum_jax.env.momentum_events import EVENT_WORD
from momentum_jax.env.task import DecisionWeights
from momentum_jax.fields import without_unused
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import annealing, batches, learner, learning, rollout
from momentum_jax.ppo.streams import seed_streams

from .counterfactual_results import DECISIONS, REWARDS

TASK = Momentum()


class Replayed(NamedTuple):
    """What one update does to exact P(HOLD) on the flat probe states, in each of the copies."""

    before: jax.Array  # []: P(HOLD)
    change: jax.Array  # [rewards, decisions]: of P(HOLD), in the order of `REWARDS` and `DECISIONS`
    forced_stops: jax.Array  # [] int32: in the rollout
    flat_decisions: jax.Array  # [] int32


def replays(market: Market, options: EnvOptions, config: PPOConfig, seed: int, updates: int) -> Iterator[Replayed]:
    """Train one seed and replay each of its updates, one after the other, leaves on the host."""
    (used,) = without_unused([config])
    typed = jax.tree.map(lambda value: np.asarray(value, np.bool_ if isinstance(value, bool) else np.float32), used)
    env_params = EnvParams(market=market, options=typed_options(options))
    probes = TASK.probe_states(market)[PRIMARY]
    state = _init(typed, env_params, seed_streams(seed))
    for _ in range(updates):
        state, replayed = replay(typed, env_params, np.int32(updates), probes, state)
        yield jax.tree.map(np.asarray, replayed)


@jax.jit
def _init(config: PPOConfig, env_params: EnvParams, streams: Any) -> learner.LearnerState:
    return learner.init(TASK, config, env_params, streams)


@jax.jit
def replay(
    config: PPOConfig, env_params: EnvParams, total_updates: jax.Array, probes: ProbeStates, state: learner.LearnerState
) -> tuple[learner.LearnerState, Replayed]:
    """The run's state after the update as it was, and what every copy does."""
    agent, keys = agents.make(TASK, config), state.streams.at_update(state.update)
    actors = rollout.Actors(state.env_state, state.memory)
    actors, trajectory = rollout.collect(agent, config, state.params, actors, env_params, keys.action, keys.market)
    order = batches.order(keys.minibatch, agent, config)
    rate = annealing.learning_rate(config, state.update / total_updates)

    def changed(copy: tuple[jax.Array, jax.Array]) -> jax.Array:
        rewards, heard = copy
        edited = trajectory._replace(reward=rewards)
        batch, _ = batches.prepare(agent, config, state.params, edited, actors, env_params)
        batch = batch._replace(weights=DecisionWeights(heard, heard))
        params, _, _ = learning.learn(agent, config, env_params, rate, state.params, state.opt_state, batch, order)
        return _p_hold(config, env_params, probes, dataclasses.replace(state, params=params))

    before = _p_hold(config, env_params, probes, state)
    is_flat = EVENT_WORD.flag(trajectory.event, "is_flat")
    after = jax.lax.map(changed, _copies(trajectory.reward, trajectory.event, is_flat))
    following, _ = learner.update(TASK, config, env_params, total_updates, state)
    return following, Replayed(
        before=before,
        change=(after - before).reshape(len(REWARDS), len(DECISIONS)),
        forced_stops=EVENT_WORD.flag(trajectory.event, "forced_stop").sum(dtype=jnp.int32),
        flat_decisions=is_flat.sum(dtype=jnp.int32),
    )


def _copies(rewards: jax.Array, event: jax.Array, is_flat: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Rewards [copies, T, M] and weights of decisions [copies, M·T], of every pair of `REWARDS` and `DECISIONS`."""
    edits = {"as_they_were": rewards, "no_stop_reward": jnp.where(EVENT_WORD.flag(event, "forced_stop"), 0.0, rewards)}
    flat = is_flat.swapaxes(0, 1).ravel().astype(jnp.float32)
    heard = {"all": jnp.ones_like(flat), "flat": flat, "position": 1.0 - flat}
    pairs = list(product(REWARDS, DECISIONS))
    return jnp.stack([edits[reward] for reward, _ in pairs]), jnp.stack([heard[decision] for _, decision in pairs])


def _p_hold(config: PPOConfig, env_params: EnvParams, probes: ProbeStates, state: learner.LearnerState) -> jax.Array:
    """Mean P(HOLD) [] over the flat probe states."""
    assert probes.action_mask is not None  # the flat states have one
    ask = partial(learner.log_probabilities, TASK, config, env_params, state)
    return jnp.exp(ask(probes.compact, probes.action_mask)[..., rules.HOLD]).mean()
