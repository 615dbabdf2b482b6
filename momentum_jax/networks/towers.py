"""Separate policy and value towers, the default: their first layers lie side by side, to be one product.

The parameters are `first` (feature_kernel [F, 2H], bias [2H]: policy, then value) and the layers after it of `policy`
and `value`, by number. They are read as plain dictionaries: acting takes half of the first layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.nn.initializers import orthogonal

from momentum_jax.networks.first_layer import FEATURE_KERNEL, HIDDEN_GAIN, Layer, dense, product
from momentum_jax.networks.network import ACTIVATION_FUNCTIONS, Carry, Network, Params

HEAD_GAINS = {"policy": 0.01, "value": 1.0}


class Towers(Network):
    """Two towers of the same widths; the reference's network."""

    reads_features: ClassVar[bool] = True

    def init_params(self, key: jax.Array, num_inputs: int) -> Params:
        """Orthogonal kernels (gain √2; policy head 0.01, value head 1), zero biases; policy first, layer by layer."""
        keys = dict(zip(HEAD_GAINS, jax.random.split(key), strict=True))
        outputs = {"policy": self.num_actions, "value": 1}
        return join_towers(
            {
                tower: init_tower(keys[tower], (num_inputs, *self.hidden_sizes, outputs[tower]), gain)
                for tower, gain in HEAD_GAINS.items()
            }
        )

    def __call__(self, carry: Carry, features: jax.Array, starts: jax.Array) -> tuple[jax.Array, jax.Array]:
        del carry, starts
        params = self.variables["params"]
        first = params["first"]
        hidden = self._activate(product(features, first[FEATURE_KERNEL]) + first["bias"])
        policy, value = jnp.split(hidden, 2, axis=-1)
        return self._upper(params["policy"], policy), self._upper(params["value"], value)[..., 0]

    def act(self, carry: Carry, features: jax.Array, start: jax.Array) -> tuple[Carry, jax.Array]:
        """Half the work of both towers."""
        del start
        first = self._policy_first()
        hidden = self._activate(product(features, first[FEATURE_KERNEL]) + first["bias"])
        return carry, self._upper(self.variables["params"]["policy"], hidden)

    def project(self, exogenous: jax.Array) -> jax.Array:
        """The policy's first sums [..., H] over the first E features, and its bias."""
        first = self._policy_first()
        return exogenous @ first[FEATURE_KERNEL][: exogenous.shape[-1]] + first["bias"]

    def act_projected(
        self, carry: Carry, projected: jax.Array, features: jax.Array, start: jax.Array
    ) -> tuple[Carry, jax.Array]:
        del start
        kernel = self._policy_first()[FEATURE_KERNEL]
        hidden = self._activate(projected + features @ kernel[kernel.shape[0] - features.shape[-1] :])
        return carry, self._upper(self.variables["params"]["policy"], hidden)

    def bias_logits(self, params: Params, bias: jax.Array) -> Params:
        number = str(len(self.hidden_sizes) - 1)
        head = params["policy"][number]
        return {**params, "policy": {**params["policy"], number: {**head, "bias": head["bias"] + bias}}}

    def acting_params(self, params: Params) -> Params:
        """The policy's tower alone, a copy."""
        return {"first": _side(params["first"], 0, self.hidden_sizes[0]), "policy": params["policy"]}

    def to_arrays(self, params: Params) -> dict[str, Any]:
        """Each tower with its own first layer, `policy/dense_0/kernel` …; see docs/policies.md."""
        return {
            f"{tower}/dense_{number}/{part}": array
            for tower, layers in split_towers(params).items()
            for number, layer in enumerate(layers)
            for part, array in layer.items()
        }

    def from_arrays(self, arrays: Mapping[str, Any]) -> Params:
        numbers = range(len(self.hidden_sizes) + 1)
        return join_towers(
            {
                tower: [
                    {part: arrays[f"{tower}/dense_{number}/{part}"] for part in ("kernel", "bias")}
                    for number in numbers
                ]
                for tower in HEAD_GAINS
            }
        )

    def _policy_first(self) -> Layer:
        """The policy's half of the first layer; all of it where `acting_params` took it before."""
        return _side(self.variables["params"]["first"], 0, self.hidden_sizes[0])

    def _upper(self, layers: Mapping[str, Layer], hidden: jax.Array) -> jax.Array:
        """What a tower's layers after the first make of the first's output."""
        for number in range(1, len(layers)):
            hidden = self._activate(dense(layers[str(number - 1)], hidden))
        return dense(layers[str(len(layers) - 1)], hidden)

    def _activate(self, sums: jax.Array) -> jax.Array:
        return ACTIVATION_FUNCTIONS[self.activation](sums)


def init_tower(key: jax.Array, sizes: Sequence[int], head_gain: float) -> list[Layer]:
    """A tower's layers of these sizes, from its inputs to its outputs.

    Must not be vmapped: XLA:CPU hangs with several batched QR factorisations in flight.
    """
    gains = [HIDDEN_GAIN] * (len(sizes) - 2) + [head_gain]
    keys = jax.random.split(key, len(gains))
    return [
        {"kernel": orthogonal(gain)(layer_key, (inputs, outputs), jnp.float32), "bias": jnp.zeros((outputs,))}
        for layer_key, gain, inputs, outputs in zip(keys, gains, sizes[:-1], sizes[1:], strict=True)
    ]


def join_towers(towers: Mapping[str, Sequence[Layer]]) -> Params:
    """Lay the towers' first layers side by side."""
    sides = [towers[tower][0] for tower in HEAD_GAINS]
    first = {
        FEATURE_KERNEL: jnp.concatenate([side["kernel"] for side in sides], axis=-1),
        "bias": jnp.concatenate([side["bias"] for side in sides], axis=-1),
    }
    upper = {
        tower: {str(number): dict(layer) for number, layer in enumerate(towers[tower][1:])} for tower in HEAD_GAINS
    }
    return {"first": first, **upper}


def split_towers(params: Params) -> dict[str, list[Layer]]:
    """The towers by name, each with its own first layer; leaves may have leading axes."""
    width = params["first"]["bias"].shape[-1] // 2
    towers = {}
    for side, tower in enumerate(HEAD_GAINS):
        first = _side(params["first"], side, width)
        upper = [params[tower][str(number)] for number in range(len(params[tower]))]
        towers[tower] = [{"kernel": first[FEATURE_KERNEL], "bias": first["bias"]}, *upper]
    return towers


def _side(first: Layer, side: int, width: int) -> Layer:
    return {name: leaf[..., side * width : (side + 1) * width] for name, leaf in first.items()}
