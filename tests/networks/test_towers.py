"""Initial towers, the towers laid side by side, and acting with half of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.networks import network as networks
from momentum_jax.networks import towers

GAINS = {"policy": (2**0.5, 2**0.5, 0.01), "value": (2**0.5, 2**0.5, 1.0)}
NETWORK = towers.Towers(num_actions=6, hidden_sizes=(8, 4), activation="tanh")


@pytest.fixture(scope="module")
def params():
    return NETWORK.init_params(jax.random.key(0), 20)


def test_initial_kernels_are_orthogonal_with_the_references_gains_and_biases_zero(params):
    apart = towers.split_towers(params)
    assert apart["policy"][-1]["kernel"].shape == (4, 6) and apart["value"][-1]["kernel"].shape == (4, 1)
    for name, gains in GAINS.items():
        for layer, gain in zip(apart[name], gains, strict=True):
            kernel = np.asarray(layer["kernel"])
            # Rows or columns, whichever are fewer, are orthogonal and as long as the gain.
            small = kernel.T @ kernel if kernel.shape[0] >= kernel.shape[1] else kernel @ kernel.T
            np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-5 * gain)
            assert not layer["bias"].any()
    assert not np.allclose(apart["policy"][0]["kernel"], apart["value"][0]["kernel"])


def test_towers_side_by_side_come_apart_again():
    keys = jax.random.split(jax.random.key(1))
    apart = {
        tower: towers.init_tower(key, (5, 4, 3, outputs), 1.0)
        for tower, key, outputs in zip(("policy", "value"), keys, (6, 1), strict=True)
    }
    again = towers.split_towers(towers.join_towers(apart))
    assert jax.tree.all(jax.tree.map(np.array_equal, again, apart))


def test_stored_arrays_have_the_documented_names_and_come_back(params):
    arrays = NETWORK.to_arrays(params)
    names = [f"{tower}/dense_{n}/{part}" for tower in GAINS for n in range(3) for part in ("bias", "kernel")]
    assert sorted(arrays) == sorted(names)
    assert arrays["policy/dense_0/kernel"].shape == (20, 8)
    jax.tree.map(np.testing.assert_array_equal, NETWORK.from_arrays(arrays), params)


@pytest.mark.parametrize("name", ["towers", "layer_norm"])
def test_acting_gives_the_logits_of_the_whole_network(name):
    """With the first 15 features taken beforehand, and without."""
    network = networks.make(name, num_actions=6, hidden_sizes=(8, 4), activation="relu")
    params = network.init_params(jax.random.key(3), 20)
    features, start = jax.random.normal(jax.random.key(2), (7, 20)), jnp.zeros((7,), bool)
    logits, values = network.apply({"params": params}, (), features, start)
    assert logits.shape == (7, 6) and values.shape == (7,)
    acting = {"params": network.acting_params(params)}
    _, plain = network.apply(acting, (), features, start, method="act")
    projected = network.apply(acting, features[:, :15], method="project")
    _, quick = network.apply(acting, (), projected, features[:, 15:], start, method="act_projected")
    np.testing.assert_allclose(plain, logits, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(quick, logits, rtol=1e-5, atol=1e-6)
    biased = network.bias_logits(params, jnp.arange(6.0))
    moved, same = network.apply({"params": biased}, (), features, start)
    np.testing.assert_allclose(moved - logits, np.broadcast_to(np.arange(6.0), (7, 6)), atol=1e-5)
    np.testing.assert_array_equal(same, values)
