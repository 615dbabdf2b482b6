"""How a network sees observations: less their mean, over their standard deviation, clipped."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

CLIP = 10.0
"""Largest absolute value of a normalised observation or reward, as in stable-baselines3's `VecNormalize`."""

_STORED = "observation_"  # before the names of a stored policy's: observation_mean, observation_deviation


class Scaling(NamedTuple):
    """Fixed statistics of observations [..., F]; leaves [F] float32."""

    mean: jax.Array
    deviation: jax.Array  # above 0

    def __call__(self, values: jax.Array) -> jax.Array:
        return jnp.clip((values - self.mean) / self.deviation, -CLIP, CLIP)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The statistics by name, as a policy is stored."""
        return {f"{_STORED}{name}": np.asarray(leaf) for name, leaf in self._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, jax.Array]) -> Scaling:
        """Takes what `to_arrays` gave out of `arrays`."""
        return cls(*(arrays.pop(f"{_STORED}{name}") for name in cls._fields))

    def of_features(self, features: jax.Array, counts: ArrayLike, first: int = 0) -> jax.Array:
        """Features [..., K] from the first-th on, each times its count of inputs in `counts` [F], before and after."""
        own = slice(first, first + features.shape[-1])
        times = jnp.asarray(counts)[own]
        return times * Scaling(self.mean[own], self.deviation[own])(features / times)
