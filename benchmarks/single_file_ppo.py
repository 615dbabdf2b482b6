"""PPO in one file in the style that is usual in JAX: whole observations stored, all seeds under one vmap.

A baseline to be measured against, written on its own: it shares the environment and the hyper-parameters with this
project's learner, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.linen.initializers import constant, orthogonal
from flax.training.train_state import TrainState

from benchmarks import bars
from momentum_jax.env.momentum import Momentum, make_params
from momentum_jax.market.dataset import load_segment
from momentum_jax.ppo.hyper_parameters import PPOConfig

ILLEGAL_LOGIT = -1e8


class ActorCritic(nn.Module):
    num_actions: int

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        def tower(x: jax.Array, outputs: int, gain: float) -> jax.Array:
            for _ in range(2):
                x = nn.tanh(nn.Dense(64, kernel_init=orthogonal(2.0**0.5), bias_init=constant(0.0))(x))
            return nn.Dense(outputs, kernel_init=orthogonal(gain), bias_init=constant(0.0))(x)

        return tower(x, self.num_actions, 0.01), tower(x, 1, 1.0)[..., 0]


class Transition(NamedTuple):
    obs: jax.Array  # [460]
    mask: jax.Array  # [6] bool
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array
    done: jax.Array


class Runner(NamedTuple):
    train_state: TrainState
    env_state: Any
    obs: jax.Array  # [460] of the state
    key: jax.Array


def log_softmax(logits: jax.Array, mask: jax.Array) -> jax.Array:
    return jax.nn.log_softmax(jnp.where(mask, logits, ILLEGAL_LOGIT))


class Trainer:
    """The whole algorithm for one seed: `init` and `train`, with the settings they close over."""

    def __init__(self, env: Any, config: PPOConfig, num_updates: int):
        self._env = env
        self._config = config
        self._num_updates = num_updates
        self._network = ActorCritic(env.num_actions)
        self._optimizer = optax.chain(
            optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate, eps=config.adam_eps)
        )

    def init(self, key: jax.Array, env_params: Any) -> Runner:
        """A seed before its first update; not to be vmapped."""
        key, init_key, reset_key = jax.random.split(key, 3)
        obs, env_state = self._env.reset(reset_key, env_params)
        params = self._network.init(init_key, obs.reshape(-1))
        train_state = TrainState.create(apply_fn=self._network.apply, params=params, tx=self._optimizer)
        return Runner(train_state, env_state, obs.reshape(-1), key)

    def train(self, runner: Runner, env_params: Any) -> tuple[Runner, tuple[jax.Array, jax.Array]]:
        """`num_updates` updates, and the decisions of each: (holds while flat, all while flat) [num_updates] each."""
        return jax.lax.scan(lambda runner, _: self._update(runner, env_params), runner, None, self._num_updates)

    def _update(self, runner: Runner, env_params: Any) -> tuple[Runner, tuple[jax.Array, jax.Array]]:
        runner, batch = jax.lax.scan(partial(self._env_step, env_params), runner, None, self._config.num_steps)
        train_state, env_state, obs, key = runner
        _, last_value = self._network.apply(train_state.params, obs)
        advantage = self._advantages(batch, last_value)
        learning = (train_state, (batch, advantage, advantage + batch.value), key)
        (train_state, _, key), _ = jax.lax.scan(self._epoch, learning, None, self._config.num_epochs)
        flat = batch.mask[:, 1]  # buying is legal
        counts = (flat & (batch.action == 0)).sum(), flat.sum()
        return Runner(train_state, env_state, obs, key), counts

    def _env_step(self, env_params: Any, runner: Runner, _: None) -> tuple[Runner, Transition]:
        train_state, env_state, obs, key = runner
        key, action_key, step_key = jax.random.split(key, 3)
        mask = self._env.action_mask(env_state, env_params)
        logits, value = self._network.apply(train_state.params, obs)
        log_probs = log_softmax(logits, mask)
        action = jax.random.categorical(action_key, log_probs)
        # The final observation inside the last value goes unused, so that XLA drops it.
        next_obs, env_state, reward, done, *_ = self._env.step(step_key, env_state, action, env_params)
        transition = Transition(obs, mask, action, log_probs[action], value, reward, done)
        return Runner(train_state, env_state, next_obs.reshape(-1), key), transition

    def _advantages(self, batch: Transition, last_value: jax.Array) -> jax.Array:
        config = self._config

        def accumulate(carry: tuple[jax.Array, jax.Array], step: Transition) -> tuple[Any, jax.Array]:
            advantage, next_value = carry
            delta = step.reward + config.gamma * next_value * (1 - step.done) - step.value
            advantage = delta + config.gamma * config.gae_lambda * (1 - step.done) * advantage
            return (advantage, step.value), advantage

        return jax.lax.scan(accumulate, (jnp.zeros_like(last_value), last_value), batch, reverse=True, unroll=16)[1]

    def _epoch(self, carry: tuple[TrainState, Any, jax.Array], _: None) -> tuple[Any, None]:
        train_state, batch, key = carry
        config = self._config
        key, shuffle_key = jax.random.split(key)
        order = jax.random.permutation(shuffle_key, config.rollout_size)
        minibatches = jax.tree.map(
            lambda x: x[order].reshape(config.num_minibatches, config.minibatch_size, *x.shape[1:]), batch
        )
        train_state, _ = jax.lax.scan(self._minibatch_step, train_state, minibatches)
        return (train_state, batch, key), None

    def _minibatch_step(self, train_state: TrainState, minibatch: Any) -> tuple[TrainState, None]:
        gradients = jax.grad(self._loss)(train_state.params, *minibatch)
        return train_state.apply_gradients(grads=gradients), None

    def _loss(self, params: Any, batch: Transition, advantage: jax.Array, target: jax.Array) -> jax.Array:
        config = self._config
        logits, value = self._network.apply(params, batch.obs)
        log_probs = log_softmax(logits, batch.mask)
        log_prob = jnp.take_along_axis(log_probs, batch.action[:, None], axis=1)[:, 0]
        ratio = jnp.exp(log_prob - batch.log_prob)
        advantage = (advantage - advantage.mean()) / (advantage.std(ddof=1) + 1e-8)
        clipped = jnp.clip(ratio, 1 - config.clip_range, 1 + config.clip_range)
        policy_loss = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
        entropy = -jnp.where(batch.mask, jnp.exp(log_probs) * log_probs, 0.0).sum(axis=-1).mean()
        return policy_loss + config.vf_coef * jnp.square(value - target).mean() - config.ent_coef * entropy


def prepare(num_seeds: int, num_updates: int) -> tuple[Callable[[], np.ndarray], int]:
    """`advance()`, which trains `num_updates` and returns (holds, flat) [2, num_seeds], and the steps it takes."""
    env_params, env, config = make_params(load_segment(bars.market_config())), Momentum(), PPOConfig()
    trainer = Trainer(env, config, num_updates)
    # One seed at a time: batched QR factorisations side by side hang XLA:CPU.
    init = jax.jit(trainer.init)
    runners = [init(jax.random.key(seed), env_params) for seed in range(num_seeds)]
    runner = jax.tree.map(lambda *leaves: jnp.stack(leaves), *runners)
    train = jax.jit(jax.vmap(trainer.train, in_axes=(0, None)))
    if num_seeds == 1:  # a seed alone is at its best without the axis
        runner, train = runners[0], jax.jit(trainer.train)

    def advance() -> np.ndarray:
        nonlocal runner
        runner, counts = train(runner, env_params)
        return np.stack(counts).reshape(2, num_seeds, num_updates).sum(axis=2)

    return advance, num_seeds * num_updates * config.rollout_size
