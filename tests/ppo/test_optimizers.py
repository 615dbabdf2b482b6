"""Clipping and Adam against optax's, on rows that stand for one input and for several."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from momentum_jax.networks import towers
from momentum_jax.ppo import optimizers
from momentum_jax.ppo.hyper_parameters import PPOConfig

COUNTS = np.array([1.0, 1.0, 4.0], np.float32)


def spread(params):
    """The same parameters with each shared row written out as often as it stands for an input."""
    first = params.first
    return params._replace(first=first._replace(kernel=jnp.repeat(first.kernel, COUNTS.astype(int), axis=0)))


def draw(key):
    policy, value = towers.init_towers(key, 3, (4,), 2)
    return towers.join_towers(policy, value)


@pytest.mark.parametrize("max_grad_norm", [1e-3, 1e3])
def test_a_step_is_that_of_optax_on_all_weights(max_grad_norm):
    config = PPOConfig(max_grad_norm=max_grad_norm)
    reference = optax.chain(optax.clip_by_global_norm(max_grad_norm), optax.adam(0.01, eps=config.adam_eps))
    params, state = draw(jax.random.key(0)), optimizers.init(draw(jax.random.key(0)))
    whole = spread(params)
    whole_state = reference.init(whole)
    for number in range(1, 30):
        each = draw(jax.random.key(number))
        # What autodiff gives for a feature that comes multiplied by its count: the sum over its inputs.
        summed = each._replace(first=each.first._replace(kernel=each.first.kernel * COUNTS[:, None]))
        params, state, norm = optimizers.step(config, 0.01, params, state, summed, COUNTS)
        updates, whole_state = reference.update(spread(each), whole_state)
        whole = optax.apply_updates(whole, updates)
        np.testing.assert_allclose(norm, optax.tree.norm(spread(each)), rtol=1e-6)
    assert state.count == 29
    for ours, theirs in zip(jax.tree.leaves(spread(params)), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
