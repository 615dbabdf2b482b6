"""The first layer, on features that stand for several inputs each, and the product that layers share.

A task may name once what its observation repeats: a feature that stands for c inputs comes multiplied by c, and one row
of the first layer's kernel stands for c rows (see `env.task`). Every parameter called `FEATURE_KERNEL` has such rows.
It is drawn for the whole observation, then reduced; the learner's optimiser divides its gradient by c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
from jax.nn.initializers import orthogonal

from momentum_jax.networks import backend

FEATURE_KERNEL = "feature_kernel"
HIDDEN_GAIN = 2.0**0.5

Layer = Mapping[str, jax.Array]  # kernel [inputs, outputs] and bias [outputs]


class FirstLayer(nn.Module):
    """A dense layer on a task's features [B, F] → [B, num_outputs]."""

    num_outputs: int

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        shape = (features.shape[-1], self.num_outputs)
        kernel = self.param(FEATURE_KERNEL, orthogonal(HIDDEN_GAIN), shape)
        return product(features, kernel) + self.param("bias", nn.initializers.zeros, (self.num_outputs,))


def is_feature_kernel(path: tuple[Any, ...]) -> bool:
    """Whether a leaf at this path has a row for each feature: a parameter, its moments or its gradient."""
    return bool(path) and getattr(path[-1], "key", None) == FEATURE_KERNEL


def map_feature_kernels(function: Callable[[jax.Array], Any], tree: Any) -> Any:
    """The tree with `function` of every leaf that has a row for each feature."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: function(leaf) if is_feature_kernel(path) else leaf, tree
    )


def dense(layer: Layer, inputs: jax.Array) -> jax.Array:
    """A layer's sums [..., O] of inputs [..., I]."""
    return product(inputs, layer["kernel"]) + layer["bias"]


@jax.custom_vjp
def product(inputs: jax.Array, kernel: jax.Array) -> jax.Array:
    """inputs [B, I] @ kernel [I, O]."""
    return inputs @ kernel


def product_forward(inputs: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return inputs @ kernel, (inputs, kernel)


def product_backward(saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Gradients of inputs and kernel."""
    inputs, kernel = saved
    transposed = jax.lax.optimization_barrier(inputs.T) if backend.choices().copies_transposed else inputs.T
    return gradient @ kernel.T, transposed @ gradient


product.defvjp(product_forward, product_backward)
