"""Clipping and each optimiser against optax's own, on rows that stand for one input and for several."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from momentum_jax import lookup
from momentum_jax.fields import ConfigError
from momentum_jax.networks.first_layer import map_feature_kernels
from momentum_jax.networks.towers import Towers
from momentum_jax.ppo import optimizers
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.optimizer_table import OPTIMIZERS, WITH_EPS

COUNTS = np.array([1.0, 1.0, 4.0], np.float32)
NETWORK = Towers(num_actions=2, hidden_sizes=(4,), activation="tanh")
RATE, EPS = 0.01, 1e-5
OWN = {
    "adam": optax.adam(RATE, eps=EPS),
    "adamw": optax.adamw(RATE, eps=EPS),
    "rmsprop": optax.rmsprop(RATE, eps=EPS),
    "sgd": optax.sgd(RATE),
    "optax:lion": optax.lion(RATE),
}


def spread(params):
    """The same parameters with each shared row written out as often as it stands for an input."""
    return map_feature_kernels(lambda kernel: jnp.repeat(kernel, COUNTS.astype(int), axis=0), params)


def draw(number):
    return NETWORK.init_params(jax.random.key(number), 3)


def test_every_optimiser_of_the_table_is_tried_here():
    assert OPTIMIZERS.keys() <= OWN.keys()


def test_epsilon_is_read_by_the_optimisers_named_so():
    makers = {name: lookup.load("optimizer", name, OPTIMIZERS) for name in OPTIMIZERS}
    assert {name for name, maker in makers.items() if "eps" in inspect.signature(maker).parameters} == {*WITH_EPS}


@pytest.mark.parametrize("max_grad_norm", [1e-3, 1e3])
@pytest.mark.parametrize("name", OWN)
def test_a_step_is_that_of_optax_on_all_weights(name, max_grad_norm):
    config = PPOConfig(max_grad_norm=max_grad_norm, adam_eps=EPS, optimizer=name)
    config.validate()
    reference = optax.chain(optax.clip_by_global_norm(max_grad_norm), OWN[name])
    params = draw(0)
    state = optimizers.make(config, RATE, COUNTS).init(params)
    whole = spread(params)
    whole_state = reference.init(whole)

    @jax.jit
    def step(rate, params, state, summed):
        norm = optimizers.global_norm(summed, COUNTS)
        updates, state = optimizers.make(config, rate, COUNTS).update(summed, state, params)
        return optax.apply_updates(params, updates), state, norm

    update = jax.jit(reference.update)
    for number in range(1, 30):
        each = draw(number)
        # What autodiff gives for a feature that comes multiplied by its count: the sum over its inputs.
        summed = map_feature_kernels(lambda kernel: kernel * COUNTS[:, None], each)
        params, state, norm = step(jnp.float32(RATE), params, state, summed)
        updates, whole_state = update(spread(each), whole_state, whole)
        whole = optax.apply_updates(whole, updates)
        np.testing.assert_allclose(norm, optax.tree.norm(spread(each)), rtol=1e-6)
    for ours, theirs in zip(jax.tree.leaves(spread(params)), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_learning_rate_is_that_of_each_update():
    config = PPOConfig(optimizer="sgd", max_grad_norm=1e3)
    state = optimizers.make(config, 0.0, COUNTS).init(draw(0))
    moved = [optimizers.make(config, rate, COUNTS).update(draw(1), state)[0] for rate in (0.1, 0.2)]
    for one, other in zip(*map(jax.tree.leaves, moved), strict=True):
        np.testing.assert_allclose(2 * one, other, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adm", r"optimizer='adm' is unknown: choose one of adam, .*; did you mean adam\?"),
        ("optax:adm", r"optimizer='optax:adm': optax does not define adm"),
        ("nowhere.py:make", r"optimizer='nowhere.py:make': there is no file nowhere.py"),
        (
            "optax:apply_updates",
            "optax:apply_updates cannot be called with learning_rate, eps: missing .*: 'params'",
        ),
    ],
)
def test_an_optimiser_that_is_not_there_is_refused(name, message):
    config = PPOConfig(optimizer=name)
    with pytest.raises(ConfigError, match=message):
        config.validate()
        optimizers.make(config, RATE, COUNTS)
