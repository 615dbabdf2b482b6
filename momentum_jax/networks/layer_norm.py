"""Separate policy and value towers that normalise each hidden layer's sums before the activation.

Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).
"""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
from jax.nn.initializers import orthogonal

from momentum_jax.networks.first_layer import HIDDEN_GAIN, FirstLayer
from momentum_jax.networks.network import ACTIVATION_FUNCTIONS, Carry, Network


class LayerNormTowers(Network):
    """As `towers.Towers`, with layer normalisation."""

    reads_features: ClassVar[bool] = True

    @nn.compact
    def __call__(self, carry: Carry, features: jax.Array, starts: jax.Array) -> tuple[jax.Array, jax.Array]:
        del carry, starts
        logits = self._tower("policy", features, self.num_actions, head_gain=0.01)
        return logits, self._tower("value", features, 1, head_gain=1.0)[..., 0]

    def _tower(self, name: str, features: jax.Array, num_outputs: int, head_gain: float) -> jax.Array:
        sums = FirstLayer(self.hidden_sizes[0], name=f"{name}_first")(features)
        for number, width in enumerate(self.hidden_sizes[1:], start=1):
            hidden = self._normalised(sums, f"{name}_norm_{number - 1}")
            sums = nn.Dense(width, kernel_init=orthogonal(HIDDEN_GAIN), name=f"{name}_{number}")(hidden)
        hidden = self._normalised(sums, f"{name}_norm_{len(self.hidden_sizes) - 1}")
        return nn.Dense(num_outputs, kernel_init=orthogonal(head_gain), name=f"{name}_head")(hidden)

    def _normalised(self, sums: jax.Array, name: str) -> jax.Array:
        return ACTIVATION_FUNCTIONS[self.activation](nn.LayerNorm(name=name)(sums))
