"""Running means and variances in float32, merged batch by batch.

Batches are of one size, so the n-th enters with weight 1/n and no count of steps is kept: above 2²⁴ a float32 count
would no longer grow. What an addition rounds off is carried beside each number and added the next time, so that
statistics of very many batches still follow the data.

Source: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

EPSILON = 1e-8
"""Added to a variance before its root is taken, as in stable-baselines3's `VecNormalize`."""


class Sum(NamedTuple):
    """A number and what it lacks after rounding, leaves [...] float32."""

    value: jax.Array
    rest: jax.Array

    def plus(self, change: jax.Array) -> Sum:
        """Source: Kahan 1965, in Neumaier's form, which is right for changes of any size."""
        change = change + self.rest
        total = self.value + change
        larger, smaller = (
            jnp.where(jnp.abs(self.value) >= jnp.abs(change), *pair)
            for pair in ((self.value, change), (change, self.value))
        )
        return Sum(total, (larger - total) + smaller)


class Moments(NamedTuple):
    """Mean and variance of all batches so far; 0 and 1 before the first."""

    mean: Sum  # leaves [...]
    variance: Sum  # leaves [...], of the population (ddof = 0)
    batches: jax.Array  # [] int32

    @property
    def deviation(self) -> jax.Array:
        """Standard deviation [...], never 0."""
        return jnp.sqrt(self.variance.value + EPSILON)


def unknown(shape: tuple[int, ...]) -> Moments:
    """Before the first batch."""
    return Moments(_exactly(jnp.zeros(shape)), _exactly(jnp.ones(shape)), jnp.zeros((), jnp.int32))


def merged(moments: Moments, batch: jax.Array) -> Moments:
    """The moments with one more batch [B, ...]."""
    origin = batch[0]  # deviations from a value of the batch do not cancel where the mean is large
    shift = (batch - origin).mean(axis=0)
    mean, variance = origin + shift, jnp.square(batch - origin - shift).mean(axis=0)
    weight = 1.0 / (moments.batches + 1).astype(jnp.float32)
    distance = mean - moments.mean.value
    spread = (variance - moments.variance.value) + jnp.square(distance) * (1.0 - weight)
    added = Moments(
        mean=moments.mean.plus(weight * distance),
        variance=moments.variance.plus(weight * spread),
        batches=moments.batches + 1,
    )
    first = Moments(_exactly(mean), _exactly(variance), added.batches)
    return jax.tree.map(lambda new, old: jnp.where(moments.batches == 0, new, old), first, added)


def _exactly(value: jax.Array) -> Sum:
    return Sum(value.astype(jnp.float32), jnp.zeros(value.shape, jnp.float32))
