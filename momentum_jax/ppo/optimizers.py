"""Optimisers: clipping by the norm over all inputs, then a transformation found by name; today's fast Adam is one.

A feature that stands for c inputs comes multiplied by c, so autodiff returns c times the gradient that each of the
c weights would receive. Dividing by c gives the weights' own gradient; the norm counts it c times. The optimiser then
moves the shared row as it would have moved every one of the c.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from momentum_jax import lookup
from momentum_jax.fields import ConfigError
from momentum_jax.networks.first_layer import is_feature_kernel, map_feature_kernels
from momentum_jax.ppo.optimizer_table import OPTIMIZERS
from momentum_jax.ppo.traced_config import PPOConfig

_MEAN_DECAY, _SQUARE_DECAY = 0.9, 0.999


def make(config: PPOConfig, learning_rate: ArrayLike, input_counts: jax.Array) -> optax.GradientTransformationExtraArgs:
    """The optimiser of a configuration: clipping per input, then the one that `config.optimizer` names.

    Args:
      config: names the optimiser; its `adam_eps` goes to those whose signature names `eps`.
      learning_rate: of this update, [].
      input_counts: inputs that each feature stands for, [F].

    Raises:
      ConfigError: the name stands for nothing that makes a transformation of these, or it fails, in one line.
    """
    settings = {"learning_rate": learning_rate, "eps": config.adam_eps}
    own = lookup.make(
        "optimizer", config.optimizer, OPTIMIZERS, settings, optional=("learning_rate",), by_name=("eps",)
    )
    if not isinstance(own, optax.GradientTransformation):
        raise ConfigError(
            f"optimizer={config.optimizer} gives a {type(own).__name__}, expected an optax.GradientTransformation"
        )
    return optax.chain(clip_per_input(config.max_grad_norm, input_counts), own)


def clip_per_input(max_norm: ArrayLike, input_counts: jax.Array) -> optax.GradientTransformationExtraArgs:
    """Gradients of single weights from autodiff's, scaled down to `max_norm` where their global norm exceeds it.

    Its update takes the `norm` where it is known: computed a second time, XLA:CPU would fuse it in a program of one run
    otherwise than in one of several, and the last digits would depend on the group's width.
    """

    def update(
        gradients: Any, state: Any, params: Any = None, *, norm: jax.Array | None = None, **others: Any
    ) -> tuple[Any, Any]:
        del params, others
        norm = global_norm(gradients, input_counts) if norm is None else norm
        scale = jnp.minimum(1.0, max_norm / norm)
        kernels = map_feature_kernels(lambda kernel: kernel / input_counts[:, None], gradients)
        return jax.tree.map(lambda leaf: leaf * scale, kernels), state

    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)


def global_norm(gradients: Any, input_counts: jax.Array) -> jax.Array:
    """Norm [] over all weights: a shared row counts as often as it stands for an input, c · (g / c)²."""

    def squares(path: Any, leaf: jax.Array) -> jax.Array:
        if is_feature_kernel(path):
            return jnp.sum(jnp.sum(jnp.square(leaf), axis=1) / input_counts)
        return jnp.sum(jnp.square(leaf))

    return jnp.sqrt(sum(jax.tree.leaves(jax.tree_util.tree_map_with_path(squares, gradients))))


def adam(learning_rate: ArrayLike, eps: ArrayLike) -> optax.GradientTransformation:
    """Adam with the bias corrections drawn into two numbers of a step.

    `optax.adam` divides three times a weight where this divides once, and learning takes 1.15 times as long. State and
    decays are optax's. Source: Kingma & Ba 2015 (arXiv:1412.6980), the form at the end of their section 2.
    """

    def init(params: Any) -> optax.ScaleByAdamState:
        zeros = optax.tree.zeros_like(params)
        return optax.ScaleByAdamState(count=jnp.zeros((), jnp.int32), mu=zeros, nu=optax.tree.zeros_like(params))

    def update(gradients: Any, state: optax.ScaleByAdamState, params: Any = None) -> tuple[Any, Any]:
        del params
        mu = jax.tree.map(lambda m, g: _MEAN_DECAY * m + (1.0 - _MEAN_DECAY) * g, state.mu, gradients)
        nu = jax.tree.map(lambda v, g: _SQUARE_DECAY * v + (1.0 - _SQUARE_DECAY) * g * g, state.nu, gradients)
        count = state.count + 1
        root = jnp.sqrt(1.0 - _SQUARE_DECAY**count)
        rate, small = learning_rate * root / (1.0 - _MEAN_DECAY**count), eps * root
        updates = jax.tree.map(lambda m, v: -rate * (m / (jnp.sqrt(v) + small)), mu, nu)
        return updates, optax.ScaleByAdamState(count, mu, nu)

    return optax.GradientTransformation(init, update)
