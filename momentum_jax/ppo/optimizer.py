"""Clipping by the global norm, then Adam, on first-layer rows that may stand for several inputs each.

A feature that stands for c inputs comes multiplied by c, so autodiff returns c times the gradient that each of the
c weights would receive. Dividing by c gives the weights' own gradient; the norm counts it c times. Adam then moves the
shared row as it would have moved every one of the c.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from momentum_jax.ppo.networks import Params
from momentum_jax.ppo.options import PPOConfig


def per_input(gradients: Params, input_counts: jax.Array) -> Params:
    """Gradients of single weights, from those of features that stand for `input_counts` [F] inputs each."""
    first = gradients.first
    return gradients._replace(first=first._replace(kernel=first.kernel / input_counts[:, None]))


def global_norm(gradients: Params, input_counts: jax.Array) -> jax.Array:
    """Norm over all weights, of the `per_input` gradients: a shared row counts as often as it stands for an input."""
    first = gradients.first
    weighted = first._replace(kernel=first.kernel * jnp.sqrt(input_counts)[:, None])
    return optax.tree.norm(gradients._replace(first=weighted))


def clip(gradients: Params, norm: jax.Array, max_norm: ArrayLike) -> Params:
    """Scale gradients of the given norm down to `max_norm` where they exceed it."""
    scale = jnp.minimum(1.0, max_norm / norm)
    return jax.tree.map(lambda leaf: leaf * scale, gradients)


def adam(config: PPOConfig, learning_rate: ArrayLike) -> optax.GradientTransformation:
    """Adam with the reference's epsilon."""
    return optax.adam(learning_rate, eps=config.adam_eps)
