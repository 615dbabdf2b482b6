"""What is chosen for one kind of backend changes the program and not its results."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from momentum_jax.env.momentum import Momentum
from momentum_jax.networks import backend
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs

CONFIG = PPOConfig(num_steps=48, minibatch_size=16, num_epochs=2, hidden_sizes=(8,), learning_rate=1e-2)


def lowered(market, choices, config=CONFIG):
    """One update before it is compiled, and the state that it takes."""
    state = learner.init(Momentum(), config, market.params, seed_streams(0))
    with backend.assumed(choices):
        update = jax.jit(lambda state: learner.update(Momentum(), config, market.params, jnp.int32(10), state))
        return update.lower(state), state


def updated(market, choices):
    """State after one update, and the program's text."""
    program, state = lowered(market, choices)
    return program.compile(quick_programs.OPTIONS)(state)[0], program.as_text()


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


def one_vector(learning_rate):
    return optax.flatten(optax.sgd(learning_rate, momentum=0.9))


def factored(learning_rate):
    """Keeps a mean of each row and each column of a kernel."""
    return optax.chain(optax.scale_by_factored_rms(min_dim_size_to_factor=8), optax.scale(-learning_rate))


@pytest.mark.parametrize("optimizer", [one_vector, factored])
def test_features_are_filled_up_only_for_optimisers_that_keep_their_state_as_parameters_are(market, optimizer):
    config = dataclasses.replace(CONFIG, optimizer=f"{__name__}:{optimizer.__name__}")
    text = lowered(market, backend.ACCELERATOR, config)[0].as_text()
    assert "tensor<16x327xf32>" in text and "tensor<16x328xf32>" not in text


def test_a_cpu_gets_a_cpus_choices():
    assert backend.choices() == backend.CPU
    with backend.assumed(backend.ACCELERATOR):
        assert backend.choices() == backend.ACCELERATOR
    assert backend.choices() == backend.CPU
