"""Separate policy and value towers on flattened observations, as plain pytrees of kernels and biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn.initializers import orthogonal

Fold = Callable[[jax.Array], tuple[jax.Array, jax.Array]]
_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}


class Dense(NamedTuple):
    kernel: jax.Array  # [inputs, outputs]
    bias: jax.Array  # [outputs]


class Params(NamedTuple):
    """Hidden layers, then the head, of each tower."""

    policy: tuple[Dense, ...]
    value: tuple[Dense, ...]


class Folded(NamedTuple):
    """The same network as it acts on compact features; both first layers are one product."""

    first: Dense  # [F, 2H], [2H]: policy, then value
    policy: tuple[Dense, ...]
    value: tuple[Dense, ...]


def init_params(key: jax.Array, num_inputs: int, hidden_sizes: Sequence[int], num_actions: int) -> Params:
    """Orthogonal kernels (gain √2; 0.01 for the action head, 1 for the value head), zero biases.

    Must not be vmapped: XLA:CPU hangs with several batched QR factorisations in flight.
    """
    policy_key, value_key = jax.random.split(key)
    return Params(
        policy=_init_tower(policy_key, num_inputs, hidden_sizes, num_actions, head_gain=0.01),
        value=_init_tower(value_key, num_inputs, hidden_sizes, 1, head_gain=1.0),
    )


def _init_tower(
    key: jax.Array, num_inputs: int, hidden_sizes: Sequence[int], num_outputs: int, head_gain: float
) -> tuple[Dense, ...]:
    sizes = (num_inputs, *hidden_sizes, num_outputs)
    gains = (2.0**0.5,) * len(hidden_sizes) + (head_gain,)
    keys = jax.random.split(key, len(gains))
    return tuple(
        Dense(kernel=orthogonal(gain)(layer_key, (inputs, outputs), jnp.float32), bias=jnp.zeros((outputs,)))
        for layer_key, gain, inputs, outputs in zip(keys, gains, sizes[:-1], sizes[1:], strict=True)
    )


def fold(params: Params, fold_kernel: Fold) -> Folded:
    """Fold the first layers onto the task's features, exactly (see `env.task`)."""
    first = [tower[0] for tower in params]
    kernel, offset = fold_kernel(jnp.concatenate([layer.kernel for layer in first], axis=1))
    bias = jnp.concatenate([layer.bias for layer in first])
    return Folded(first=Dense(kernel, bias + offset), policy=params.policy[1:], value=params.value[1:])


def apply(network: Folded, features: jax.Array, activation: str) -> tuple[jax.Array, jax.Array]:
    """Logits [..., A] and values [...] of features [..., F]."""
    act = _ACTIVATIONS[activation]
    hidden = act(_dense(network.first, features))
    policy, value = jnp.split(hidden, 2, axis=-1)
    return _tower(network.policy, policy, act), _tower(network.value, value, act)[..., 0]


def apply_policy(network: Folded, features: jax.Array, activation: str) -> jax.Array:
    """Logits [..., A] alone: half the work, for acting."""
    act = _ACTIVATIONS[activation]
    width = network.first.bias.shape[0] // 2
    first = Dense(network.first.kernel[:, :width], network.first.bias[:width])
    return _tower(network.policy, act(_dense(first, features)), act)


def _tower(layers: tuple[Dense, ...], hidden: jax.Array, act: Callable[[jax.Array], jax.Array]) -> jax.Array:
    for layer in layers[:-1]:
        hidden = act(_dense(layer, hidden))
    return _dense(layers[-1], hidden)


def _dense(layer: Dense, inputs: jax.Array) -> jax.Array:
    return inputs @ layer.kernel + layer.bias
