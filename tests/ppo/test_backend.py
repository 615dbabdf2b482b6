"""What is chosen for one kind of backend changes the program and not its results."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env.momentum import Momentum
from momentum_jax.networks import backend
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams

CONFIG = PPOConfig(num_steps=48, minibatch_size=16, num_epochs=2, hidden_sizes=(8,), learning_rate=1e-2)


def updated(market, choices):
    """State after one update, and the program's text."""
    state = learner.init(Momentum(), CONFIG, market.params, seed_streams(0))
    with backend.assumed(choices):
        update = jax.jit(lambda state: learner.update(Momentum(), CONFIG, market.params, jnp.int32(10), state))
        lowered = update.lower(state)
    return lowered.compile()(state)[0], lowered.as_text()


@pytest.fixture(scope="module")
def both(market):
    return updated(market, backend.CPU), updated(market, backend.ACCELERATOR)


def test_an_update_learns_the_same_with_an_accelerators_choices(both):
    (cpu, _), (accelerator, _) = both
    assert jax.tree.map(jnp.shape, cpu) == jax.tree.map(jnp.shape, accelerator)
    for one, other in zip(jax.tree.leaves(cpu.params), jax.tree.leaves(accelerator.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    for one, other in zip(jax.tree.leaves(cpu.opt_state), jax.tree.leaves(accelerator.opt_state), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_each_choice_reaches_the_program(both):
    (_, cpu), (_, accelerator) = both
    assert "optimization_barrier" in cpu and "optimization_barrier" not in accelerator
    # 327 features are filled up to 328, the hidden layers of both towers side by side.
    assert "tensor<16x328xf32>" in accelerator and "tensor<16x328xf32>" not in cpu


def test_a_cpu_gets_a_cpus_choices():
    assert backend.choices() == backend.CPU
    with backend.assumed(backend.ACCELERATOR):
        assert backend.choices() == backend.ACCELERATOR
    assert backend.choices() == backend.CPU
