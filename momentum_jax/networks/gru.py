"""Gated recurrent units under policy and value, a layer each.

Source: Cho et al. 2014 (arXiv:1406.1078), in PyTorch's form: gates reset, update, candidate, and the reset gate
multiplies the recurrent sums of the candidate with their bias.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.networks.recurrent import RecurrentTowers
from momentum_jax.networks.unrolling import Cell


class State(NamedTuple):
    """What a gated recurrent unit remembers."""

    hidden: jax.Array  # [..., H]


class _Saved(NamedTuple):
    """Of a step, leaves [..., H]."""

    hidden_before: jax.Array
    reset: jax.Array
    update: jax.Array
    candidate: jax.Array
    recurrent: jax.Array  # the candidate's recurrent sums


class GRUCell:
    """See `unrolling.Cell`."""

    num_gates = 3

    @staticmethod
    def zeros(shape: tuple[int, ...]) -> State:
        return State(jnp.zeros(shape))

    @staticmethod
    def step(input_sums: jax.Array, recurrent_sums: jax.Array, state: State) -> tuple[State, _Saved]:
        inputs, recurrent = jnp.split(input_sums, 3, axis=-1), jnp.split(recurrent_sums, 3, axis=-1)
        reset, update = (jax.nn.sigmoid(inputs[gate] + recurrent[gate]) for gate in (0, 1))
        candidate = jnp.tanh(inputs[2] + reset * recurrent[2])
        hidden = candidate + update * (state.hidden - candidate)
        return State(hidden), _Saved(state.hidden, reset, update, candidate, recurrent[2])

    @staticmethod
    def back(saved: _Saved, gradient: State) -> tuple[jax.Array, jax.Array, State]:
        by_hidden, (before, reset, update, candidate, recurrent) = gradient.hidden, saved
        by_candidate = by_hidden * (1.0 - update) * (1.0 - candidate * candidate)
        by_reset = by_candidate * recurrent * reset * (1.0 - reset)
        by_update = by_hidden * (before - candidate) * update * (1.0 - update)
        input_sums = jnp.concatenate([by_reset, by_update, by_candidate], axis=-1)
        recurrent_sums = jnp.concatenate([by_reset, by_update, by_candidate * reset], axis=-1)
        return input_sums, recurrent_sums, State(by_hidden * update)


class GRUTowers(RecurrentTowers):
    """A gated recurrent unit and a tower for the policy, and the same for the value."""

    cell: ClassVar[type[Cell]] = GRUCell
    memory_name: ClassVar[str] = "gru"
