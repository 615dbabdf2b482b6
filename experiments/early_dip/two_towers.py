"""A policy with one tower for flat states and one for positions, so that neither learns from the other's decisions.

What a position's rewards teach cannot spread to flat states through shared weights; the tower of the values is shared,
and so is the clipping of the gradient's norm. Both policy towers start from the same weights, those that `towers` draws
from the same key: at the start the policy and the values are tune2's, and only the sharing differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from momentum_jax.env.observation_layout import NUM_COLUMNS, NUM_GREEKS, NUM_MARKET_FEATURES
from momentum_jax.market.features import WINDOW
from momentum_jax.networks.first_layer import FEATURE_KERNEL, Layer, dense, product
from momentum_jax.networks.network import ACTIVATION_FUNCTIONS, Carry, Network, Params
from momentum_jax.networks.towers import HEAD_GAINS, init_tower

POLICY_TOWERS = ("flat", "position")
_TOWERS = (*POLICY_TOWERS, "value")  # in this order their first layers lie side by side


class TwoTowers(Network):
    """`towers.Towers` with a second policy tower. The parameters are laid out as there."""

    reads_features: ClassVar[bool] = True

    def init_params(self, key: jax.Array, num_inputs: int) -> Params:
        """Weights drawn as those of `towers.Towers`; those of its policy are the start of both policy towers."""
        policy_key, value_key = jax.random.split(key)
        sizes = (num_inputs, *self.hidden_sizes)
        policy = init_tower(policy_key, (*sizes, self.num_actions), HEAD_GAINS["policy"])
        value = init_tower(value_key, (*sizes, 1), HEAD_GAINS["value"])
        layers = dict(zip(_TOWERS, (policy, policy, value), strict=True))
        first = {
            FEATURE_KERNEL: jnp.concatenate([layers[tower][0]["kernel"] for tower in _TOWERS], axis=-1),
            "bias": jnp.concatenate([layers[tower][0]["bias"] for tower in _TOWERS], axis=-1),
        }
        upper = {tower: {str(n): dict(layer) for n, layer in enumerate(layers[tower][1:])} for tower in _TOWERS}
        return {"first": first, **upper}

    def __call__(self, carry: Carry, features: jax.Array, starts: jax.Array) -> tuple[jax.Array, jax.Array]:
        del carry, starts
        first = self.variables["params"]["first"]
        sums = product(features, first[FEATURE_KERNEL]) + first["bias"]
        policy_sums, value_sums = jnp.split(sums, [self._policy_width], axis=-1)
        return self._logits(policy_sums, in_position(features)), self._upper("value", value_sums)[..., 0]

    def act(self, carry: Carry, features: jax.Array, start: jax.Array) -> tuple[Carry, jax.Array]:
        del start
        first = self._policy_first()
        return carry, self._logits(product(features, first[FEATURE_KERNEL]) + first["bias"], in_position(features))

    def project(self, exogenous: jax.Array) -> jax.Array:
        """Both policy towers' first sums [..., 2H] over the first E features, and their biases."""
        first = self._policy_first()
        return exogenous @ first[FEATURE_KERNEL][: exogenous.shape[-1]] + first["bias"]

    def act_projected(
        self, carry: Carry, projected: jax.Array, features: jax.Array, start: jax.Array
    ) -> tuple[Carry, jax.Array]:
        del start
        kernel = self._policy_first()[FEATURE_KERNEL]
        sums = projected + features @ kernel[kernel.shape[0] - features.shape[-1] :]
        return carry, self._logits(sums, (features != 0).any(axis=-1))

    def bias_logits(self, params: Params, bias: jax.Array) -> Params:
        """The bias on the logits of both policy towers."""
        number = str(len(self.hidden_sizes) - 1)
        heads = {tower: params[tower][number] for tower in POLICY_TOWERS}
        biased = {
            tower: {**params[tower], number: {**head, "bias": head["bias"] + bias}} for tower, head in heads.items()
        }
        return {**params, **biased}

    def acting_params(self, params: Params) -> Params:
        """The policy's towers alone, a copy."""
        first = {name: leaf[..., : self._policy_width] for name, leaf in params["first"].items()}
        return {"first": first} | {tower: params[tower] for tower in POLICY_TOWERS}

    @property
    def _policy_width(self) -> int:
        """Units of both policy towers' first layers together."""
        return len(POLICY_TOWERS) * self.hidden_sizes[0]

    def _policy_first(self) -> Layer:
        """The policy's part of the first layer; all of it where `acting_params` took it before."""
        return {name: leaf[..., : self._policy_width] for name, leaf in self.variables["params"]["first"].items()}

    def _logits(self, sums: jax.Array, positions: jax.Array) -> jax.Array:
        """Logits [..., A] of both towers' first sums [..., 2H], by the tower of each state's kind."""
        flat, position = jnp.split(sums, len(POLICY_TOWERS), axis=-1)
        return jnp.where(positions[..., None], self._upper("position", position), self._upper("flat", flat))

    def _upper(self, tower: str, sums: jax.Array) -> jax.Array:
        """What a tower's layers after the first make of the first's sums."""
        layers: Mapping[str, Layer] = self.variables["params"][tower]
        for number in range(len(layers)):
            sums = dense(layers[str(number)], ACTIVATION_FUNCTIONS[self.activation](sums))
        return sums


def in_position(features: jax.Array) -> jax.Array:
    """Whether each state [...] is one in a position: its Greeks, which are 0 while flat, are not all 0.

    Far out of the money (13 standard deviations of an hour, some 3 % of the price) all Greeks of a position underflow
    to 0, and neither this nor any other network can tell it from a flat state. In six runs of tune2 (30 000 steps,
    seeds 1000 to 1002, both markets) that was so in none of 88 930 decisions in a position.

    Args:
      features: those of the momentum environment [..., 327], with or without zeros after them, or whole observations
        [..., 460], which end with the Greeks.
    """
    num_inputs = WINDOW * NUM_COLUMNS
    begin = num_inputs - NUM_GREEKS if features.shape[-1] == num_inputs else NUM_MARKET_FEATURES
    return (features[..., begin : begin + NUM_GREEKS] != 0).any(axis=-1)
