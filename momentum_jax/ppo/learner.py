"""One PPO run as two pure functions: `init` and `update`. Everything else is arrangement (see `engine`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from momentum_jax.env.task import Task
from momentum_jax.fields import is_static
from momentum_jax.networks import backend
from momentum_jax.networks import towers as networks
from momentum_jax.ppo import distributions, interventions, losses, optimizers, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import Streams


def _register_config() -> None:
    """Make `PPOConfig` a pytree whose static fields are part of a program's identity."""
    fields = dataclasses.fields(PPOConfig)
    jax.tree_util.register_dataclass(
        PPOConfig,
        data_fields=[field.name for field in fields if not is_static(field)],
        meta_fields=[field.name for field in fields if is_static(field)],
    )


_register_config()

_SORTED_AS_WORDS = 4096  # leaves at least 20 bits of a word to chance
_RESET = 0xFFFFFFFF  # the market stream's constant for the first reset; updates count from 0


@struct.dataclass
class LearnerState:
    """All that a run carries from one update to the next (0.8 MB for the reference's network)."""

    params: networks.Params
    deviations: Any  # what `Task.reduce_kernel` left out of the first layers; never changes
    opt_state: optax.ScaleByAdamState
    env_state: Any  # leaves [M, ...]
    streams: Streams
    update: jax.Array  # [] int32: updates done


class Batch(NamedTuple):
    """Transitions to learn from; leading axis B = T·M, or a minibatch of it."""

    compact: Any
    action_mask: jax.Array  # [B, A] bool
    action: jax.Array  # [B] int32
    log_prob: jax.Array  # [B] under the policy that acted
    advantage: jax.Array  # [B]
    returns: jax.Array  # [B]


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
    """What leaves the compiled program after each update."""

    event: jax.Array  # [T, M] int32
    reward: jax.Array  # [T, M] float32
    outcome: Any  # [T, M] float32, the task's own number of each step; () if it has none
    metrics: UpdateMetrics


def init(task: Task, config: PPOConfig, env_params: Any, streams: Streams) -> LearnerState:
    """A run before its first step. Must not be vmapped (see `networks.init_params`)."""
    towers = networks.init_towers(streams.init, task.num_inputs, config.hidden_sizes, task.num_actions)
    params, deviations = reduce_towers(task, *towers)
    params = interventions.bias_hold(params, config)
    reset_keys = jax.random.split(jax.random.fold_in(streams.market, _RESET), config.num_envs)
    return LearnerState(
        params=params,
        deviations=deviations,
        opt_state=optimizers.init(params),
        env_state=jax.vmap(task.initial_state, in_axes=(0, None))(reset_keys, env_params),
        streams=streams,
        update=jnp.zeros((), jnp.int32),
    )


def update(
    task: Task, config: PPOConfig, env_params: Any, total_updates: jax.Array, state: LearnerState
) -> tuple[LearnerState, UpdateRecord]:
    """Collect one rollout and learn from it for `num_epochs` passes of minibatches."""
    keys = state.streams.at_update(state.update)
    env_state, trajectory = rollout.collect(
        task, config, state.params, state.env_state, env_params, keys.action, keys.market
    )
    judged = trajectory._replace(reward=interventions.learned_rewards(keys.minibatch, config, trajectory.reward))
    batch, values = prepare(task, config, state.params, judged, env_state, env_params)
    start = interventions.start_policy(config, state.update, batch.advantage, state.opt_state)
    fraction_done = state.update / total_updates
    learning_rate = config.learning_rate * jnp.where(config.anneal_learning_rate, 1.0 - fraction_done, 1.0)
    permutations = _permutations(keys.minibatch, config)
    params, opt_state, metrics = learn(
        task,
        dataclasses.replace(config, ent_coef=start.ent_coef),
        env_params,
        learning_rate,
        state.params,
        start.opt_state,
        batch._replace(advantage=start.advantage),
        permutations,
    )
    record = UpdateRecord(
        event=trajectory.event,
        reward=trajectory.reward,
        outcome=trajectory.outcome,
        metrics=summarize(config, *metrics, batch, values),
    )
    state = dataclasses.replace(state, params=params, opt_state=opt_state, env_state=env_state, update=state.update + 1)
    return state, record


def summarize(
    config: PPOConfig, metrics: losses.MinibatchMetrics, grad_norms: jax.Array, batch: Batch, values: jax.Array
) -> UpdateMetrics:
    """What is logged of an update, from its minibatches' metrics [epochs · minibatches] and its rollout [T·M]."""
    means = jax.tree.map(jnp.mean, metrics)._asdict()
    means["loss"] = metrics.loss[-1]
    # The reference starts its list anew in each epoch: how far the policy has moved by the end.
    means["approx_kl"] = metrics.approx_kl[-config.num_minibatches :].mean()
    return UpdateMetrics(
        **means,
        grad_norm=grad_norms.mean(),
        explained_variance=losses.explained_variance(values, batch.returns),
        advantage_std=batch.advantage.std(),
    )


def prepare(
    task: Task,
    config: PPOConfig,
    params: networks.Params,
    trajectory: rollout.Trajectory,
    env_state: Any,
    env_params: Any,
) -> tuple[Batch, jax.Array]:
    """Value and judge a trajectory: the flat batch [T·M] (environment by environment) and its values [T·M].

    Values and log-probabilities are computed here, in products over the whole rollout, rather than step by step.
    """
    steps, envs = config.num_steps, config.num_envs

    def evaluate(compact: Any) -> tuple[jax.Array, jax.Array]:
        return networks.apply(params, task.expand(compact, env_params), config.activation)

    flat_compact = _flatten(trajectory.compact)
    flat_mask, flat_action = _flatten(trajectory.action_mask), _flatten(trajectory.action)
    logits, flat_values = evaluate(flat_compact)
    log_probs = distributions.masked_log_probs(logits, flat_mask)
    values = flat_values.reshape(envs, steps).T
    _, last_value = evaluate(jax.vmap(task.compact, in_axes=(0, None))(env_state, env_params))
    rewards = trajectory.reward
    if task.truncates:
        _, final_values = evaluate(_flatten(trajectory.final))
        bootstrap = jnp.where(trajectory.truncated, final_values.reshape(envs, steps).T, 0.0)
        rewards = rewards + config.gamma * bootstrap
    advantages = losses.generalized_advantages(
        rewards, values, trajectory.ended, last_value, config.gamma, config.gae_lambda
    )
    batch = Batch(
        compact=flat_compact,
        action_mask=flat_mask,
        action=flat_action,
        log_prob=distributions.log_prob(log_probs, flat_action),
        advantage=_flatten(advantages),
        returns=_flatten(advantages + values),
    )
    return batch, flat_values


def learn(
    task: Task,
    config: PPOConfig,
    env_params: Any,
    learning_rate: jax.Array,
    params: networks.Params,
    opt_state: optax.ScaleByAdamState,
    batch: Batch,
    permutations: jax.Array,
) -> tuple[networks.Params, optax.ScaleByAdamState, tuple[losses.MinibatchMetrics, jax.Array]]:
    """Gradient steps over minibatches: consecutive slices of each of the permutations [epochs, T·M].

    Returns parameters, optimiser state, and (metrics, gradient norms) with leaves [epochs · minibatches].
    """
    padding = -len(task.input_counts) % backend.choices().feature_multiple
    counts = jnp.asarray(np.pad(task.input_counts, (0, padding), constant_values=1.0))
    gradient = jax.grad(partial(_minibatch_loss, task, config, env_params, padding), has_aux=True)

    def minibatch_step(carry: tuple[Any, Any], indices: jax.Array) -> tuple[tuple[Any, Any], tuple[Any, jax.Array]]:
        params, opt_state = carry
        minibatch = jax.tree.map(lambda leaf: leaf[indices], batch)
        gradients, metrics = gradient(params, minibatch)
        params, opt_state, norm = optimizers.step(config, learning_rate, params, opt_state, gradients, counts)
        return (params, opt_state), (metrics, norm)

    indices = permutations.reshape(-1, config.minibatch_size)
    carry = params, opt_state
    if padding:
        carry = _on_params(partial(networks.padded, rows=padding), carry)
    carry, metrics = jax.lax.scan(minibatch_step, carry, indices)
    if padding:
        carry = _on_params(partial(networks.unpadded, rows=padding), carry)
    return *carry, metrics


def _on_params(
    change: Callable[[networks.Params], networks.Params], carry: tuple[networks.Params, optax.ScaleByAdamState]
) -> tuple[networks.Params, optax.ScaleByAdamState]:
    """Change the parameters and their moments alike."""
    params, state = carry
    return change(params), state._replace(mu=change(state.mu), nu=change(state.nu))


def _minibatch_loss(
    task: Task, config: PPOConfig, env_params: Any, padding: int, params: networks.Params, minibatch: Batch
) -> tuple[jax.Array, losses.MinibatchMetrics]:
    features = jnp.pad(task.expand(minibatch.compact, env_params), ((0, 0), (0, padding)))
    logits, values = networks.apply(params, features, config.activation)
    log_probs = distributions.masked_log_probs(logits, minibatch.action_mask)
    return losses.ppo_loss(
        log_prob=distributions.log_prob(log_probs, minibatch.action),
        entropy=distributions.entropy(log_probs, minibatch.action_mask),
        values=values,
        old_log_prob=minibatch.log_prob,
        advantages=minibatch.advantage,
        returns=minibatch.returns,
        config=config,
    )


def reduce_towers(
    task: Task, policy: tuple[networks.Dense, ...], value: tuple[networks.Dense, ...]
) -> tuple[networks.Params, Any]:
    """Parameters that act on the task's features, and what the shared rows leave out of the whole kernels."""
    params = networks.join_towers(policy, value)
    rows, deviations = task.reduce_kernel(params.first.kernel)
    return params._replace(first=params.first._replace(kernel=rows)), deviations


def restore_towers(task: Task, params: networks.Params, deviations: Any) -> dict[str, tuple[networks.Dense, ...]]:
    """Policy and value tower with their whole first layers, on the host."""
    kernel: Any = task.restore_kernel(np.asarray(params.first.kernel), deviations)
    return networks.split_towers(params._replace(first=params.first._replace(kernel=kernel)))


def _permutations(key: jax.Array, config: PPOConfig) -> jax.Array:
    """One permutation an epoch, [num_epochs, T·M].

    Rollouts of ordinary size sort random words that carry their place in their low bits, five times as fast as sorting
    pairs. Words that agree in all their other bits keep their order: of 512 transitions one pair in 2²³.
    """
    size = config.rollout_size
    if size > _SORTED_AS_WORDS:
        keys = jax.random.split(key, config.num_epochs)
        return jax.lax.map(lambda epoch_key: jax.random.permutation(epoch_key, size), keys)
    place_bits = np.uint32((1 << (size - 1).bit_length()) - 1)
    words = jax.random.bits(key, (config.num_epochs, size)) & ~place_bits | jnp.arange(size, dtype=jnp.uint32)
    return (jnp.sort(words, axis=-1) & place_bits).astype(jnp.int32)


def _flatten(tree: Any) -> Any:
    """Leaves [T, M, ...] to [M·T, ...], environment by environment."""
    return jax.tree.map(lambda leaf: leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:]), tree)
