"""Clipping by the global norm, then Adam, on first-layer rows that may stand for several inputs each.

A feature that stands for c inputs comes multiplied by c, so autodiff returns c times the gradient that each of the
c weights would receive. Dividing by c gives the weights' own gradient; the norm counts it c times. Adam then moves the
shared row as it would have moved every one of the c.
Sources: Kingma & Ba 2015 (arXiv:1412.6980), with the bias corrections drawn into two numbers of a step (their section
2): `optax.adam` divides three times a weight where this divides once, and learning takes 1.15 times as long. State and
decays are optax's, and a test holds the two against each other.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from momentum_jax.networks.towers import Params
from momentum_jax.ppo.hyper_parameters import PPOConfig

_MEAN_DECAY, _SQUARE_DECAY = 0.9, 0.999


def init(params: Params) -> optax.ScaleByAdamState:
    """Before the first gradient: zero moments."""
    return optax.ScaleByAdamState(
        count=jnp.zeros((), jnp.int32), mu=optax.tree.zeros_like(params), nu=optax.tree.zeros_like(params)
    )


def step(
    config: PPOConfig,
    learning_rate: ArrayLike,
    params: Params,
    state: optax.ScaleByAdamState,
    gradients: Params,
    input_counts: jax.Array,
) -> tuple[Params, optax.ScaleByAdamState, jax.Array]:
    """Clip and take one step: parameters, state and the gradients' global norm before clipping, [].

    `gradients` are autodiff's, of features that stand for `input_counts` [F] inputs each.
    """
    norm = _global_norm(gradients, input_counts)
    gradients = _clipped_per_input(gradients, norm, config.max_grad_norm, input_counts)
    mu = jax.tree.map(lambda m, g: _MEAN_DECAY * m + (1.0 - _MEAN_DECAY) * g, state.mu, gradients)
    nu = jax.tree.map(lambda v, g: _SQUARE_DECAY * v + (1.0 - _SQUARE_DECAY) * g * g, state.nu, gradients)
    count = state.count + 1
    root = jnp.sqrt(1.0 - _SQUARE_DECAY**count)
    rate, eps = learning_rate * root / (1.0 - _MEAN_DECAY**count), config.adam_eps * root
    params = jax.tree.map(lambda p, m, v: p - rate * (m / (jnp.sqrt(v) + eps)), params, mu, nu)
    return params, optax.ScaleByAdamState(count, mu, nu), norm


def _global_norm(gradients: Params, input_counts: jax.Array) -> jax.Array:
    """Norm over all weights: a shared row counts as often as it stands for an input, c · (g / c)²."""
    squares = jnp.sum(jnp.sum(jnp.square(gradients.first.kernel), axis=1) / input_counts)
    others = (gradients.first.bias, gradients.policy, gradients.value)
    return jnp.sqrt(squares + optax.tree.norm(others, squared=True))


def _clipped_per_input(gradients: Params, norm: jax.Array, max_norm: ArrayLike, input_counts: jax.Array) -> Params:
    """Gradients of single weights, scaled down to `max_norm` where their norm exceeds it."""
    scale = jnp.minimum(1.0, max_norm / norm)
    clipped = jax.tree.map(lambda leaf: leaf * scale, gradients)
    kernel = gradients.first.kernel * (scale / input_counts)[:, None]
    return clipped._replace(first=clipped.first._replace(kernel=kernel))
