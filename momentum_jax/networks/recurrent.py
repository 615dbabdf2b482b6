"""Policy and value that remember: a recurrent cell each, and a tower on each; a subclass names the cell.

The inputs' product of both cells is one, computed for all steps at once, and so is their recurrent product of a step.
Parameters are `first` (feature_kernel [F, 2G], bias [2G]: the policy's gates, then the value's), `memory` (kernel
[2, H, G], bias [2, G]) and the layers of `policy` and `value`, by number. G is the cell's number of gates times H.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from momentum_jax.networks.first_layer import FEATURE_KERNEL, Layer, dense, product
from momentum_jax.networks.network import ACTIVATION_FUNCTIONS, Carry, Network, Params, Restarts
from momentum_jax.networks.towers import HEAD_GAINS, init_tower
from momentum_jax.networks.unrolling import Cell, RecurrentWeights, unroll

_SIDES = len(HEAD_GAINS)


class RecurrentTowers(Network):
    """Separate memories of one layer, initialised as PyTorch does, below towers initialised as in `towers`.

    Attributes:
      lstm_size: units of each memory, H, whatever its cell.
    """

    lstm_size: int = 256

    reads_features: ClassVar[bool] = True
    takes_restarts: ClassVar[bool] = True
    cell: ClassVar[type[Cell]]
    memory_name: ClassVar[str]  # in stored policies

    def init_carry(self, num_envs: int) -> Carry:
        """Zeros, leaves [num_envs, 2, H]."""
        return self.cell.zeros((num_envs, _SIDES, self.lstm_size))

    def init_params(self, key: jax.Array, num_inputs: int) -> Params:
        """Memories uniform in ±1/√H with both biases; towers orthogonal (gain √2; heads 0.01 and 1), biases zero."""
        memory_key, *tower_keys = jax.random.split(key, 1 + _SIDES)
        gates, bound = self.cell.num_gates * self.lstm_size, self.lstm_size**-0.5
        shapes = {
            "first": {FEATURE_KERNEL: (num_inputs, _SIDES * gates), "bias": (_SIDES * gates,)},
            "memory": {"kernel": (_SIDES, self.lstm_size, gates), "bias": (_SIDES, gates)},
        }
        leaves, structure = jax.tree.flatten(shapes, is_leaf=lambda node: isinstance(node, tuple))
        keys = jax.random.split(memory_key, len(leaves))
        drawn = [
            jax.random.uniform(leaf_key, shape, jnp.float32, -bound, bound)
            for leaf_key, shape in zip(keys, leaves, strict=True)
        ]
        outputs = {"policy": self.num_actions, "value": 1}
        towers = {
            tower: init_tower(tower_key, (self.lstm_size, *self.hidden_sizes, outputs[tower]), gain)
            for tower_key, (tower, gain) in zip(tower_keys, HEAD_GAINS.items(), strict=True)
        }
        return jax.tree.unflatten(structure, drawn) | {tower: _numbered(layers) for tower, layers in towers.items()}

    def __call__(
        self, carry: Carry, features: jax.Array, starts: jax.Array, restarts: Restarts | None = None
    ) -> tuple[jax.Array, jax.Array]:
        steps, batch, num_features = features.shape
        sums = self.project(features.reshape(-1, num_features)).reshape(steps, batch, _SIDES, -1).swapaxes(1, 2)
        if restarts is not None:
            restarts = restarts._replace(carry=_sides_before_batch(restarts.carry))
        hidden = unroll(self.cell, self._weights(), sums, _sides_before_batch(carry), starts, restarts)
        policy, value = (self._tower(tower, hidden[:, side]) for side, tower in enumerate(HEAD_GAINS))
        return policy, value[..., 0]

    def act(self, carry: Carry, features: jax.Array, start: jax.Array) -> tuple[Carry, jax.Array]:
        del start
        return self._step(carry, self.project(features))

    def project(self, exogenous: jax.Array) -> jax.Array:
        """Both memories' sums [..., 2G] over the first E features, and their bias."""
        first = self.variables["params"]["first"]
        return product(exogenous, first[FEATURE_KERNEL][: exogenous.shape[-1]]) + first["bias"]

    def act_projected(
        self, carry: Carry, projected: jax.Array, features: jax.Array, start: jax.Array
    ) -> tuple[Carry, jax.Array]:
        del start
        kernel = self.variables["params"]["first"][FEATURE_KERNEL]
        return self._step(carry, projected + features @ kernel[kernel.shape[0] - features.shape[-1] :])

    def bias_logits(self, params: Params, bias: jax.Array) -> Params:
        number = str(len(self.hidden_sizes))
        head = params["policy"][number]
        return {**params, "policy": {**params["policy"], number: {**head, "bias": head["bias"] + bias}}}

    def to_arrays(self, params: Params) -> dict[str, Any]:
        """Each side's own, `policy/lstm/input_kernel` …, `policy/dense_0/kernel` …; see docs/policies.md."""
        arrays: dict[str, Any] = {}
        for side, tower in enumerate(HEAD_GAINS):
            memory = {
                "input_kernel": jnp.split(params["first"][FEATURE_KERNEL], _SIDES, axis=-1)[side],
                "input_bias": jnp.split(params["first"]["bias"], _SIDES, axis=-1)[side],
                "recurrent_kernel": params["memory"]["kernel"][side],
                "recurrent_bias": params["memory"]["bias"][side],
            }
            arrays |= {f"{tower}/{self.memory_name}/{name}": array for name, array in memory.items()}
            arrays |= {
                f"{tower}/dense_{number}/{part}": array
                for number, layer in params[tower].items()
                for part, array in layer.items()
            }
        return arrays

    def from_arrays(self, arrays: Mapping[str, Any]) -> Params:
        def sides(name: str) -> list[Any]:
            return [arrays[f"{tower}/{self.memory_name}/{name}"] for tower in HEAD_GAINS]

        def layer(tower: str, number: int) -> Layer:
            return {part: arrays[f"{tower}/dense_{number}/{part}"] for part in ("kernel", "bias")}

        numbers = range(len(self.hidden_sizes) + 1)
        return {
            "first": {
                FEATURE_KERNEL: jnp.concatenate(sides("input_kernel"), axis=-1),
                "bias": jnp.concatenate(sides("input_bias"), axis=-1),
            },
            "memory": {"kernel": jnp.stack(sides("recurrent_kernel")), "bias": jnp.stack(sides("recurrent_bias"))},
            **{tower: _numbered([layer(tower, number) for number in numbers]) for tower in HEAD_GAINS},
        }

    def _step(self, carry: Carry, sums: jax.Array) -> tuple[Carry, jax.Array]:
        """The state after one step [B, 2, H] of input sums [B, 2G], and logits [B, A]."""
        state, input_sums = _sides_before_batch((carry, sums.reshape(len(sums), _SIDES, -1)))
        state, _ = self.cell.step(input_sums, self._weights().sums(state.hidden), state)
        return _sides_before_batch(state), self._tower("policy", state.hidden[0])

    def _weights(self) -> RecurrentWeights:
        memory = self.variables["params"]["memory"]
        return RecurrentWeights(memory["kernel"], memory["bias"])

    def _tower(self, tower: str, hidden: jax.Array) -> jax.Array:
        """Outputs [..., O] of what left a memory, [..., H]."""
        layers, activate = self.variables["params"][tower], ACTIVATION_FUNCTIONS[self.activation]
        lead, hidden = hidden.shape[:-1], hidden.reshape(-1, hidden.shape[-1])
        for number in range(len(layers) - 1):
            hidden = activate(dense(layers[str(number)], hidden))
        return dense(layers[str(len(layers) - 1)], hidden).reshape(*lead, -1)


def _numbered(layers: list[Layer]) -> dict[str, Layer]:
    return {str(number): layer for number, layer in enumerate(layers)}


def _sides_before_batch(tree: Any) -> Any:
    """Leaves [..., B, 2, N] to [..., 2, B, N], and back."""
    return jax.tree.map(lambda leaf: leaf.swapaxes(-3, -2), tree)
