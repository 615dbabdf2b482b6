"""Separate policy and value towers on flattened observations, as plain pytrees of kernels and biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn.initializers import orthogonal

from momentum_jax.networks import backend

_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}


class Dense(NamedTuple):
    kernel: jax.Array  # [inputs, outputs]
    bias: jax.Array  # [outputs]


class Params(NamedTuple):
    """Both towers; their first layers lie side by side, policy then value, to be one product."""

    first: Dense  # [F, 2H], [2H]
    policy: tuple[Dense, ...]  # the other hidden layers, then the head
    value: tuple[Dense, ...]


def init_towers(
    key: jax.Array, num_inputs: int, hidden_sizes: Sequence[int], num_actions: int
) -> tuple[tuple[Dense, ...], tuple[Dense, ...]]:
    """Policy and value tower: orthogonal kernels (gain √2; action head 0.01, value head 1), zero biases.

    Must not be vmapped: XLA:CPU hangs with several batched QR factorisations in flight.
    """
    policy_key, value_key = jax.random.split(key)
    return (
        _init_tower(policy_key, num_inputs, hidden_sizes, num_actions, head_gain=0.01),
        _init_tower(value_key, num_inputs, hidden_sizes, 1, head_gain=1.0),
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


def join_towers(policy: tuple[Dense, ...], value: tuple[Dense, ...]) -> Params:
    """Lay the towers' first layers side by side."""
    first = jax.tree.map(lambda *sides: jnp.concatenate(sides, axis=-1), policy[0], value[0])
    return Params(first=first, policy=policy[1:], value=value[1:])


def split_towers(params: Params) -> dict[str, tuple[Dense, ...]]:
    """The towers by name, each with its own first layer; leaves may have leading axes."""
    width = params.first.bias.shape[-1] // 2
    policy, value = (jax.tree.map(lambda leaf, s=side: leaf[..., s], params.first) for side in _sides(width))
    return {"policy": (policy, *params.policy), "value": (value, *params.value)}


def padded(params: Params, rows: int) -> Params:
    """The parameters with so many rows of zeros after the first layer's: for features filled up with zeros."""
    kernel = jnp.pad(params.first.kernel, ((0, rows), (0, 0)))
    return params._replace(first=params.first._replace(kernel=kernel))


def unpadded(params: Params, rows: int) -> Params:
    """`padded` undone."""
    kernel = params.first.kernel[: params.first.kernel.shape[0] - rows]
    return params._replace(first=params.first._replace(kernel=kernel))


def apply(params: Params, features: jax.Array, activation: str) -> tuple[jax.Array, jax.Array]:
    """Logits [..., A] and values [...] of features [..., F]."""
    act = _ACTIVATIONS[activation]
    hidden = act(_dense(params.first, features))
    policy, value = jnp.split(hidden, 2, axis=-1)
    return _tower(params.policy, policy, act), _tower(params.value, value, act)[..., 0]


def policy_tower(params: Params) -> tuple[Dense, ...]:
    """The policy's layers alone, a copy: taken once before a loop that acts, not in each of its steps."""
    policy_side, _ = _sides(params.first.bias.shape[0] // 2)
    return (Dense(params.first.kernel[:, policy_side], params.first.bias[policy_side]), *params.policy)


def partial_sums(layer: Dense, features: jax.Array) -> jax.Array:
    """A layer's sums [..., O] over the first E of its inputs, [..., E], and its bias."""
    return features @ layer.kernel[: features.shape[-1]] + layer.bias


def apply_tower_to_rest(layers: tuple[Dense, ...], sums: jax.Array, features: jax.Array, activation: str) -> jax.Array:
    """What `apply_tower` gives, with the `partial_sums` of the first features known; `features` are the others."""
    act = _ACTIVATIONS[activation]
    first = layers[0].kernel
    hidden = act(sums + features @ first[first.shape[0] - features.shape[-1] :])
    return _tower(layers[1:], hidden, act)


def apply_tower(layers: tuple[Dense, ...], features: jax.Array, activation: str) -> jax.Array:
    """Outputs [..., A] of features [..., F]: half the work of `apply`, for acting."""
    return _tower(layers, features, _ACTIVATIONS[activation])


def _sides(width: int) -> tuple[slice, slice]:
    return slice(None, width), slice(width, None)


def _tower(layers: tuple[Dense, ...], hidden: jax.Array, act: Callable[[jax.Array], jax.Array]) -> jax.Array:
    for layer in layers[:-1]:
        hidden = act(_dense(layer, hidden))
    return _dense(layers[-1], hidden)


def _dense(layer: Dense, inputs: jax.Array) -> jax.Array:
    return _product(inputs, layer.kernel) + layer.bias


@jax.custom_vjp
def _product(inputs: jax.Array, kernel: jax.Array) -> jax.Array:
    """inputs [B, I] @ kernel [I, O]."""
    return inputs @ kernel


def _product_forward(inputs: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return inputs @ kernel, (inputs, kernel)


def _product_backward(saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Gradients of inputs and kernel."""
    inputs, kernel = saved
    transposed = jax.lax.optimization_barrier(inputs.T) if backend.choices().copies_transposed else inputs.T
    return gradient @ kernel.T, transposed @ gradient


_product.defvjp(_product_forward, _product_backward)
