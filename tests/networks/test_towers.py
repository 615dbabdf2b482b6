"""Initial towers, and the towers laid side by side."""

from __future__ import annotations

import jax
import numpy as np

from momentum_jax.networks import towers as networks

GAINS = {"policy": (2**0.5, 2**0.5, 0.01), "value": (2**0.5, 2**0.5, 1.0)}


def test_initial_kernels_are_orthogonal_with_the_references_gains_and_biases_zero():
    towers = dict(zip(GAINS, networks.init_towers(jax.random.key(0), 20, (8, 4), 6), strict=True))
    assert towers["policy"][-1].kernel.shape == (4, 6) and towers["value"][-1].kernel.shape == (4, 1)
    for name, gains in GAINS.items():
        for layer, gain in zip(towers[name], gains, strict=True):
            kernel = np.asarray(layer.kernel)
            # Rows or columns, whichever are fewer, are orthogonal and as long as the gain.
            small = kernel.T @ kernel if kernel.shape[0] >= kernel.shape[1] else kernel @ kernel.T
            np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-5 * gain)
            assert not layer.bias.any()
    assert not np.allclose(towers["policy"][0].kernel, towers["value"][0].kernel)


def test_towers_side_by_side_come_apart_again():
    policy, value = networks.init_towers(jax.random.key(1), 5, (4, 3), 6)
    apart = networks.split_towers(networks.join_towers(policy, value))
    jax.tree.map(np.testing.assert_array_equal, apart, {"policy": policy, "value": value})
