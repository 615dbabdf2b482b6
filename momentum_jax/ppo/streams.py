"""A seed's random streams, kept apart by name, so that a study can hold one fixed while the others vary."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import jax
import numpy as np

from momentum_jax.ppo.hyper_parameters import FIXED_STREAM_SEED, REDRAWN_SEED_OFFSET, STREAMS
from momentum_jax.processes.jax_settings import PRNG_IMPL


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
    return from_numbers(stream_numbers(seed, fixed, redrawn))


def stream_numbers(seed: int, fixed: Collection[str] = (), redrawn: Collection[str] = ()) -> np.ndarray:
    """The seeds that the streams of `seed_streams` are drawn from, [streams] uint32."""
    own = [seed + REDRAWN_SEED_OFFSET if name in redrawn else seed for name in STREAMS]
    chosen = [FIXED_STREAM_SEED if name in fixed else number for name, number in zip(STREAMS, own, strict=True)]
    return np.asarray(chosen, np.uint32)


def from_numbers(numbers: np.ndarray | jax.Array) -> Streams:
    """The streams that `stream_numbers` [streams] stand for: stream s is its number's key, told apart by s."""
    roots = (jax.random.key(numbers[constant], impl=PRNG_IMPL) for constant in range(len(STREAMS)))
    return Streams(*(jax.random.fold_in(root, constant) for constant, root in enumerate(roots)))
