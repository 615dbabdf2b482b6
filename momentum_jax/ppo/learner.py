"""One PPO run as pure functions; everything else is arrangement (see `training.engine`).

`init`, `update`, `log_probabilities`, `evaluate` and `export` are all that others know of the learner: to them a state
is a pytree. `exportable` picks what `export` brings to the host.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from momentum_jax.diagnostics.evaluation import Episodes
from momentum_jax.diagnostics.probes import History
from momentum_jax.env.task import Task
from momentum_jax.networks.network import Params
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import (
    annealing,
    batches,
    distributions,
    interventions,
    learning,
    normalization,
    optimizers,
    playing,
    records,
    rollout,
)
from momentum_jax.ppo.agent import Agent, Memory
from momentum_jax.ppo.normalization import Statistics
from momentum_jax.ppo.streams import Streams
from momentum_jax.ppo.traced_config import PPOConfig

_RESET = 0xFFFFFFFF  # the market stream's constant for the first reset; updates count from 0


@struct.dataclass
class LearnerState:
    """All that a run carries from one update to the next (0.8 MB for the reference's network)."""

    params: Params
    deviations: dict[str, Any]  # what the feature kernels' rows leave out of the whole kernels; never changes
    opt_state: Any  # the optimiser's
    env_state: Any  # leaves [M, ...]
    memory: Memory | tuple[()]  # leaves [M, ...]; () for a network that remembers nothing
    statistics: Statistics  # of observations and rewards; without leaves where neither is normalised
    streams: Streams
    update: jax.Array  # [] int32: updates done


def init(task: Task, config: PPOConfig, env_params: Any, streams: Streams) -> LearnerState:
    """A run before its first step. Must not be vmapped (see `Agent.init_params`)."""
    agent = agents.make(task, config)
    params, deviations, opt_state = init_learned(agent, config, streams.init)
    reset_keys = jax.random.split(jax.random.fold_in(streams.market, _RESET), config.num_envs)
    return LearnerState(
        params=params,
        deviations=deviations,
        opt_state=opt_state,
        env_state=jax.vmap(task.initial_state, in_axes=(0, None))(reset_keys, env_params),
        memory=agent.initial_memory(config.num_envs),
        statistics=normalization.unknown(agent, config),
        streams=streams,
        update=jnp.zeros((), jnp.int32),
    )


def init_learned(agent: Agent, config: PPOConfig, key: jax.Array) -> tuple[Params, dict[str, Any], Any]:
    """Initial parameters, deviations and optimiser state."""
    params, deviations = agent.init_params(key)
    params = interventions.bias_action_0(agent.network, params, config)
    return params, deviations, _fresh_optimizer(agent, config, params)


def update(
    task: Task, config: PPOConfig, env_params: Any, total_updates: jax.Array, state: LearnerState
) -> tuple[LearnerState, records.UpdateRecord]:
    """Collect one rollout and learn from it for `num_epochs` passes of minibatches."""
    agent, keys = acting_agent(task, config, state), state.streams.at_update(state.update)
    actors = rollout.Actors(state.env_state, state.memory)
    actors, trajectory = rollout.collect(agent, config, state.params, actors, env_params, keys.action, keys.market)
    statistics, rewards = normalization.after_rollout(agent, config, env_params, state.statistics, trajectory)
    learned = trajectory._replace(reward=interventions.learned_rewards(keys.minibatch, config, rewards))
    batch, values = batches.prepare(agent, config, state.params, learned, actors, env_params)
    fresh = _fresh_optimizer(agent, config, state.params)
    start = interventions.start_policy(config, state.update, batch.advantage, state.opt_state, fresh)
    fraction_done = state.update / total_updates
    params, opt_state, metrics = learning.learn(
        agent,
        dataclasses.replace(config, ent_coef=start.ent_coef, clip_range=annealing.clip_range(config, fraction_done)),
        env_params,
        annealing.learning_rate(config, fraction_done),
        state.params,
        start.opt_state,
        batch._replace(advantage=start.advantage),
        batches.order(keys.minibatch, agent, config),
    )
    record = records.UpdateRecord(
        event=trajectory.event,
        reward=trajectory.reward,
        outcome=trajectory.outcome,
        metrics=records.summarize(config, *metrics, batch.advantage, batch.returns, values),
    )
    state = dataclasses.replace(
        state,
        params=params,
        opt_state=opt_state,
        env_state=actors.env_state,
        memory=actors.memory,
        statistics=statistics,
        update=state.update + 1,
    )
    return state, record


def acting_agent(task: Task, config: PPOConfig, state: LearnerState) -> Agent:
    """The agent of one run as it acts now: with its statistics of observations, where it normalises them."""
    return agents.make(task, config, normalization.scaling(state.statistics))


def log_probabilities(
    task: Task,
    config: PPOConfig,
    env_params: Any,
    state: LearnerState,
    compact: Any,
    action_mask: jax.Array,
    history: History | tuple[()] = (),
) -> jax.Array:
    """Log-probabilities [..., A] of each action at stored observations, as at the start of an episode.

    Args:
      task, config, env_params, state: of one run.
      compact: observations as the task stores them, leaves [..., *].
      action_mask: [..., A] bool, True = legal.
      history: what a network that remembers goes through before, leaves [..., K, *].
    """
    agent, lead = acting_agent(task, config, state), action_mask.shape[:-1]
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[len(lead) :]), compact)
    flat_mask = action_mask.reshape(-1, task.num_actions)
    with jax.default_matmul_precision("highest"):
        features = agent.features(flat, env_params)
        memory = agent.initial_memory(len(features))
        if history and agent.remembers:
            earlier = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[len(lead) :]), history)
            memory = rollout.remembered(agent, state.params, env_params, earlier)
        logits, _ = agent.evaluate(state.params, features, memory, 1)
    return distributions.masked_log_probs(logits, flat_mask).reshape(action_mask.shape)


def evaluate(
    task: Task, config: PPOConfig, env_params: Any, plan: playing.Plan, seed: int | jax.Array, state: LearnerState
) -> Episodes:
    """The seed's episodes of a plan, played by the policy as it is now, leaves [2, E]."""
    return playing.play(acting_agent(task, config, state), config, state.params, env_params, plan, seed)


def exportable(state: LearnerState) -> Any:
    """The part of a state that `export` needs, still on its device; leaves may have leading axes."""
    statistics = state.statistics
    return state.params, state.deviations, normalization.scaling(statistics), normalization.reward_deviation(statistics)


def exporter(task: Task, config: PPOConfig) -> Callable[[Any], dict[str, np.ndarray]]:
    """What gives the parameters of one run by name, as they act on whole observations, of its `exportable` on the host.

    Made once for many runs: an agent's checks cost more than its export.
    """
    plain = agents.make(task, config)

    def export(exported: Any) -> dict[str, np.ndarray]:
        params, deviations, scaling, reward_deviation = exported
        agent = dataclasses.replace(plain, scaling=scaling)
        of_rewards = {} if reward_deviation is None else {"reward_deviation": np.asarray(reward_deviation)}
        return agent.network.to_arrays(agent.whole_params(params, deviations)) | agent.whole_scaling() | of_rewards

    return export


def former_name(leaf: str) -> str:
    """What a leaf of a state was called before networks and optimisers had names, when there was one of each."""
    leaf = re.sub(r"^opt_state\.1\.", "opt_state.", leaf.replace(".feature_kernel", ".kernel"))
    return "deviations" if leaf.startswith("deviations.") else leaf


def _fresh_optimizer(agent: Agent, config: PPOConfig, params: Params) -> Any:
    """The optimiser's state before its first step."""
    return optimizers.make(config, config.learning_rate, jnp.asarray(agent.input_counts)).init(params)
