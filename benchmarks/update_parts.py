"""The parts of one update as functions that can be timed alone; see `profile`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from momentum_jax.env import observation_layout
from momentum_jax.env.device_market import Market
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum, typed_options
from momentum_jax.env.rules import NUM_ACTIONS
from momentum_jax.fields import without_unused
from momentum_jax.networks import first_layer
from momentum_jax.networks.network import Params
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches, distributions, learner, learning, losses, optimizers, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams

Call = tuple[Any, ...]  # a function and its arguments


class UpdateParts:
    """One run of the momentum environment after its first rollout, and its update cut into parts."""

    def __init__(self, config: PPOConfig, market: Market):
        self._task = Momentum()
        (config,) = without_unused([config])
        self._static = config
        self._agent = agents.make(self._task, config)
        self._config = jax.tree.map(lambda v: np.asarray(v, np.bool_ if isinstance(v, bool) else np.float32), config)
        self._env = jax.jit(self._task.bind)(market, typed_options(EnvOptions()))
        init = jax.jit(partial(learner.init, self._task))
        self._state = init(self._config, self._env, seed_streams(0))
        self._keys = self._state.streams.at_update(self._state.update)
        self._collect = partial(rollout.collect, self._agent)
        actors = rollout.Actors(self._state.env_state, self._state.memory)
        self._collected = self._config, self._state.params, actors, self._env, *self._keys[1::2]
        actors, self._trajectory = jax.jit(self._collect)(*self._collected)
        self._prepare = partial(batches.prepare, self._agent)
        self._prepared = self._config, self._state.params, self._trajectory, actors, self._env
        self._batch, _ = jax.jit(self._prepare)(*self._prepared)
        self._permutations = jax.jit(self._permute)(self._keys.minibatch)
        self._indices = self._permutations.reshape(-1, config.minibatch_size)
        self._minibatch = jax.tree.map(lambda leaf: leaf[self._indices[0]], self._batch)
        self._features = self._expand(self._minibatch.compact)

    def calls(self) -> Iterator[tuple[tuple[str, str], Call]]:
        """((stage, part), (function, arguments …)) of every part; the stage's own time is its part "whole"."""
        rate, total, state = jnp.float32(3e-5), jnp.int32(196), self._state
        yield ("update", "whole"), (partial(learner.update, self._task), self._config, self._env, total, state)
        yield ("rollout", "whole"), (self._collect, *self._collected)
        yield ("rollout", "noise and keys"), (self._draw, *self._keys[1::2])
        yield ("rollout", "features, policy, sampling"), (self._decide, state.params, self._trajectory, self._env)
        yield ("rollout", "environment"), (self._play, state.env_state, self._trajectory.action, self._env)
        yield ("values and advantages", "whole"), (self._prepare, *self._prepared)
        yield ("permutations", "whole"), (self._permute, self._keys.minibatch)
        learn = partial(learning.learn, self._agent), self._config, self._env, rate, state.params, state.opt_state
        yield ("learning", "whole"), (*learn, self._batch, self._permutations)
        gathered = self._features, self._minibatch
        yield ("learning", "gather and expand"), (self._gather, gathered, self._indices, self._batch, self._env)
        kernel, hidden = state.params["first"][first_layer.FEATURE_KERNEL], self._hidden(state.params, self._features)
        yield ("learning", "first layer, forward"), self._looped(self._first_forward, (self._features, kernel, hidden))
        yield (
            ("learning", "first layer, gradient"),
            self._looped(self._first_gradient, (self._features, kernel, hidden)),
        )
        yield ("learning", "tanh, hidden layers and heads"), self._looped(self._upper, (state.params, hidden))
        logits, values = self._agent.evaluate(state.params, self._features, (), 1)
        yield ("learning", "loss and metrics"), self._looped(self._loss, (logits, values))
        gradients = jax.tree.map(jnp.ones_like, state.params)
        yield ("learning", "clip and Adam"), self._looped(self._step, (state.params, state.opt_state, gradients))

    def _permute(self, key: jax.Array) -> jax.Array:
        return batches.permutations(key, self._static)

    def _expand(self, compact: Any) -> jax.Array:
        return self._task.expand(compact, self._env)

    def _hidden(self, params: Params, features: jax.Array) -> jax.Array:
        return features @ params["first"][first_layer.FEATURE_KERNEL] + params["first"]["bias"]

    def _looped(self, step: Callable[..., Any], state: Any) -> Call:
        """As many turns as an update has minibatches."""
        turns = self._indices.shape[0]
        return lambda start: jax.lax.fori_loop(0, turns, lambda _, carried: step(*carried), start), state

    # Rollout

    def _draw(self, action_key: jax.Array, market_key: jax.Array) -> Any:
        shape = self._static.num_steps, self._static.num_envs
        return jax.random.gumbel(action_key, (*shape, self._task.num_actions)), jax.random.split(market_key, shape)

    def _decide(self, params: Params, trajectory: rollout.Trajectory, env: Any) -> jax.Array:
        acting = self._agent.network.acting_params(params)

        def decide(last: jax.Array, step: tuple[Any, jax.Array]) -> tuple[jax.Array, jax.Array]:
            compact, mask = step
            features = self._agent.features(compact, env)
            nothing = jnp.zeros((len(features),), bool)
            _, logits = self._agent.network.apply({"params": acting}, (), features, nothing, method="act")
            noise = jnp.zeros_like(logits).at[0, 0].set(last[0].astype(jnp.float32))
            action = distributions.sample(distributions.masked_log_probs(logits, mask), noise)
            return action, action

        return jax.lax.scan(decide, trajectory.action[0], (trajectory.compact, trajectory.action_mask))[1]

    def _play(self, state: Any, actions: jax.Array, env: Any) -> Any:
        def play(state: Any, action: jax.Array) -> tuple[Any, Any]:
            step = self._task.transition(jax.random.key(0), state, action, env)
            fresh = self._task.initial_state(jax.random.key(0), env)
            ended = step.terminated | step.truncated
            following = jax.tree.map(partial(jnp.where, ended), fresh, step.state)
            told = step.reward, step.event, step.outcome, ended
            return following, (told, self._task.compact(state, env), self._task.action_mask(state, env))

        return jax.lax.scan(jax.vmap(play), state, actions)

    # Learning; every step returns what it was given, changed by what it computed

    def _gather(self, start: Any, indices: jax.Array, batch: batches.Batch, env: Any) -> Any:
        def gather(_: Any, rows: jax.Array) -> tuple[Any, None]:
            minibatch = jax.tree.map(lambda leaf: leaf[rows], batch)
            return (self._task.expand(minibatch.compact, env), minibatch), None

        return jax.lax.scan(gather, start, indices)[0]

    def _first_forward(self, features: jax.Array, kernel: jax.Array, hidden: jax.Array) -> Any:
        hidden = first_layer.product(features, kernel)
        return _touched(features, hidden), kernel, hidden

    def _first_gradient(self, features: jax.Array, kernel: jax.Array, hidden: jax.Array) -> Any:
        _, kernel = first_layer.product_backward((features, kernel), hidden)
        return _touched(features, kernel), kernel, hidden

    def _upper(self, params: Params, hidden: jax.Array) -> Any:
        """From the first layer's sums to the outputs and back."""

        network = self._agent.network

        def outputs(upper: Params, hidden: jax.Array) -> Any:
            policy, value = jnp.split(jnp.tanh(hidden), 2, axis=-1)
            return network._upper(upper["policy"], policy), network._upper(upper["value"], value)

        upper = {tower: params[tower] for tower in ("policy", "value")}
        results, pull = jax.vjp(outputs, upper, hidden)
        gradients, change = pull(results)
        return jax.tree.map(_touched, params, params | gradients), change

    def _loss(self, logits: jax.Array, values: jax.Array) -> Any:
        batch = self._minibatch

        def loss(logits: jax.Array, values: jax.Array) -> Any:
            log_probs = distributions.masked_log_probs(logits, batch.action_mask)
            log_prob = distributions.log_prob(log_probs, batch.action)
            spread = distributions.entropy(log_probs, batch.action_mask)
            advantages = _touched(batch.advantage, values)
            return losses.ppo_loss(log_prob, spread, values, batch.log_prob, advantages, batch.returns, self._config)

        (d_logits, d_values), metrics = jax.grad(loss, argnums=(0, 1), has_aux=True)(logits, values)
        return d_logits, _touched(d_values, jnp.stack(metrics))

    def _step(self, params: Params, state: Any, gradients: Params) -> Any:
        counts = jnp.asarray(self._task.input_counts)
        norm = optimizers.global_norm(gradients, counts)
        optimizer = optimizers.make(self._config, jnp.float32(3e-5), counts)
        updates, state = optimizer.update(gradients, state, params, norm=norm)
        params = optax.apply_updates(params, updates)
        return params, state, jax.tree.map(lambda leaf: _touched(leaf, norm), gradients)


class Product(NamedTuple):
    """A product in a loop of `turns`."""

    name: str
    times: int  # in a minibatch
    turns: int
    flops: float  # of one turn
    call: Call


def minibatch_products(config: PPOConfig) -> Iterator[Product]:
    """The products of one gradient step whose hidden layers are equally wide, after a large one to compare with."""
    rows, width, features = config.minibatch_size, config.hidden_sizes[0], observation_layout.INPUT_COUNTS.size
    shapes = {
        "large": (0, 4, 1024, 1024, 1024),
        "first layer, forward": (1, 200, rows, features, 2 * width),
        "first layer, gradient": (1, 200, features, rows, 2 * width),
        "hidden layers, forward and both gradients": (6 * (len(config.hidden_sizes) - 1), 200, rows, width, width),
        "policy head, forward and gradient": (2, 200, rows, width, NUM_ACTIONS),
    }
    for name, (times, turns, m, k, n) in shapes.items():
        call = partial(_product_loop, turns), jnp.ones((m, k)), jnp.ones((k, n))
        yield Product(name, times, turns, 2.0 * m * k * n, call)


def _product_loop(turns: int, left: jax.Array, right: jax.Array) -> jax.Array:
    # Behind the barrier XLA cannot see that only one number of the product is looked at.
    return jax.lax.fori_loop(0, turns, lambda _, x: _touched(x, jax.lax.optimization_barrier(x @ right)), left)


def _touched(array: jax.Array, other: jax.Array) -> jax.Array:
    """`array`, its first number moved by next to nothing of the other's first, so that it depends on it."""
    first = (0,) * array.ndim
    return array.at[first].add(1e-9 * other[(0,) * other.ndim])
