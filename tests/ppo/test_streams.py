"""A seed's streams share no key, with each other, with another update's or with another seed's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.ppo.streams import seed_streams


def test_every_stream_of_every_seed_and_update_has_a_key_of_its_own():
    streams = [seed_streams(seed) for seed in (0, 1, 7)]
    keys = [
        key for seed in streams for group in (seed, *(seed.at_update(jnp.int32(u)) for u in range(3))) for key in group
    ]
    data = np.stack([np.asarray(jax.random.key_data(key)) for key in keys])
    assert len(np.unique(data, axis=0)) == len(data) == 3 * 4 * 4
