"""A seed's random streams, kept apart by name, so that a study can hold one fixed while the others vary."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import jax

from momentum_jax.jax_settings import PRNG_IMPL
from momentum_jax.ppo.options import FIXED_STREAM_SEED, REDRAWN_SEED_OFFSET, STREAMS


class Streams(NamedTuple):
    """Typed keys []."""

    init: jax.Array  # initial parameters
    action: jax.Array  # action sampling
    minibatch: jax.Array  # shuffling
    market: jax.Array  # episodes and market draws

    def at_update(self, update: jax.Array) -> Streams:
        """Each stream's key for one update."""
        return Streams(*(jax.random.fold_in(key, update) for key in self))


def seed_streams(seed: int, fixed: Collection[str] = (), redrawn: Collection[str] = ()) -> Streams:
    """The streams of a seed; those in `fixed` are the same for every seed, those in `redrawn` another seed's.

    A seed's streams depend on nothing but its number: not on arms, nor on the seeds that run beside it.
    """
    keys = {}
    for constant, name in enumerate(STREAMS):
        own = seed + REDRAWN_SEED_OFFSET if name in redrawn else seed
        root = jax.random.key(FIXED_STREAM_SEED if name in fixed else own, impl=PRNG_IMPL)
        keys[name] = jax.random.fold_in(root, constant)
    return Streams(**keys)
