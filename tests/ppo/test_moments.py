"""Running means and variances in float32, against the same in float64 over all the data."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.ppo import moments


@jax.jit
def merge_all(start, batches):
    return jax.lax.scan(lambda found, batch: (moments.merged(found, batch), None), start, batches)[0]


def test_they_are_the_mean_and_variance_of_everything_so_far():
    data = np.random.default_rng(0).normal([5.0, -2.0, 0.0], [0.1, 30.0, 1e-4], (40, 16, 3)).astype(np.float32)
    data += np.arange(40, dtype=np.float32)[:, None, None]  # batches differ in their means
    found = merge_all(moments.unknown((3,)), jnp.asarray(data))
    everything = data.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(found.mean.value, everything.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.variance.value, everything.var(axis=0), rtol=1e-5)
    assert int(found.batches) == 40


def test_one_batch_is_taken_exactly_however_small_its_variance():
    batch = jnp.asarray([[0.0], [2e-9]])
    found = moments.merged(moments.unknown((1,)), batch)
    np.testing.assert_allclose(found.variance.value, 1e-18, rtol=1e-5)
    np.testing.assert_array_equal(moments.merged(moments.unknown((1,)), jnp.full((9, 1), 0.1)).variance.value, 0.0)


def test_a_large_mean_does_not_hide_a_small_variance():
    data = (1e6 + np.random.default_rng(1).integers(-2, 3, (20, 512, 1))).astype(np.float32)
    found = merge_all(moments.unknown((1,)), jnp.asarray(data))
    np.testing.assert_allclose(found.variance.value, [data.astype(np.float64).var()], rtol=1e-3)
    np.testing.assert_allclose(found.mean.value, [data.astype(np.float64).mean()], atol=0.07)


@pytest.mark.parametrize("before", [2**24 + 1, 10**9])
def test_statistics_of_very_many_batches_still_follow_the_data(before: int):
    """The mean moves by less than float32 resolves at a step, and arrives all the same."""
    steps = 20_000
    start = moments.unknown((1,))._replace(batches=jnp.int32(before))
    start = start._replace(mean=moments.Sum(jnp.full((1,), 1.0), jnp.zeros((1,))))
    found = merge_all(start, jnp.full((steps, 4, 1), 1.5))
    share = steps / (before + steps)
    moved = np.float64(found.mean.value[0]) + np.float64(found.mean.rest[0]) - 1.0
    assert moved == pytest.approx(0.5 * share, rel=1e-3)
    spread = np.float64(found.variance.value[0]) + np.float64(found.variance.rest[0]) - 1.0
    assert spread == pytest.approx(share * (0.25 * (1 - share) - 1.0), rel=1e-3)
