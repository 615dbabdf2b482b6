"""The gradient step whose first layer is moved by one kernel, see `first_layer_step`; all else is moved as ever.

The loss is differentiated with respect to the other parameters and to what is added to the first layer's sums. The
kernel makes of the latter, and of the features, the first layer's gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from momentum_jax.networks import backend
from momentum_jax.networks.first_layer import TappedKernel, is_feature_kernel, map_feature_kernels
from momentum_jax.networks.network import Params
from momentum_jax.ppo import optimizers
from momentum_jax.ppo.agent import Agent
from momentum_jax.ppo.traced_config import PPOConfig

# Of parameters and a minibatch (with where its sequences begin), the loss; its metrics and the features seen.
Loss = Callable[..., tuple[jax.Array, tuple[Any, jax.Array]]]
# ((parameters, optimiser state), minibatch …) → the same moved, and (metrics, gradient norm before clipping).
GradientStep = Callable[..., tuple[tuple[Any, Any], tuple[Any, jax.Array]]]

_MINIBATCHES = (16, 32, 64, 128)  # a program of the kernels holds the products of a whole minibatch's transitions


def fits(agent: Agent, config: PPOConfig, params: Params) -> bool:
    """Whether the backend wants the kernel, and network, optimiser and minibatch are those that it is written for."""
    return (
        backend.choices().fused_first_layer
        and config.optimizer == "adam"
        and agent.network.takes_tapped_kernel
        and config.minibatch_size in _MINIBATCHES
        and all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(params))
    )


def gradient_step(loss: Loss, config: PPOConfig, learning_rate: ArrayLike, counts: jax.Array) -> GradientStep:
    """A gradient step of Adam; `counts` [F] as for `optimizers.make`."""
    from momentum_jax.ppo import first_layer_step  # takes a while to import, and CPUs do without

    optimizer = optimizers.make(config, learning_rate, counts)

    def tapped_loss(others: Params, tap: jax.Array, kernel: jax.Array, *minibatch: Any) -> Any:
        return loss(_with(others, iter([TappedKernel(kernel, tap)])), *minibatch)

    def step(carry: tuple[Any, Any], *minibatch: Any) -> tuple[tuple[Any, Any], tuple[Any, jax.Array]]:
        (others, opt_state), weights = _without(carry), first_layer_step.Weights(*_feature_kernels(carry))
        tap = jnp.zeros((config.minibatch_size, weights.kernel.shape[1]), jnp.float32)
        gradient = jax.grad(tapped_loss, argnums=(0, 1), has_aux=True)
        (gradients, of_sums), (metrics, features) = gradient(others, tap, weights.kernel, *minibatch)
        squares = first_layer_step.squared_norm(features, of_sums, counts)
        norm = jnp.sqrt(optimizers.global_norm(gradients, counts) ** 2 + squares)
        updates, opt_state = optimizer.update(gradients, opt_state, others, norm=norm)
        moved = first_layer_step.step(
            features,
            of_sums,
            counts,
            optimizers.clip_scale(norm, config.max_grad_norm),
            optimizers.adam_rates(optax.tree.get(opt_state, "count"), learning_rate, config.adam_eps),
            weights,
        )
        return _with((optax.apply_updates(others, updates), opt_state), iter(moved)), (metrics, norm)

    return step


def _feature_kernels(tree: Any) -> list[jax.Array]:
    return [leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree) if is_feature_kernel(path)]


def _without(tree: Any) -> Any:
    """The tree with None, which is no leaf, for each leaf that has a row for each feature."""
    return map_feature_kernels(lambda _: None, tree)


def _with(tree: Any, kernels: Iterator[Any]) -> Any:
    """`_without` undone."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: next(kernels) if is_feature_kernel(path) else leaf, tree, is_leaf=lambda leaf: leaf is None
    )
