"""Long short-term memory under policy and value, one each; the reference recurrent learner's network.

Sources: Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (the forget gate). Gates lie in PyTorch's
order: input, forget, candidate, output.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.networks.recurrent import RecurrentTowers
from momentum_jax.networks.unrolling import Cell


class State(NamedTuple):
    """What an LSTM remembers, leaves [..., H]."""

    hidden: jax.Array
    cell: jax.Array


class _Saved(NamedTuple):
    """Of a step, leaves [..., H]."""

    cell_before: jax.Array
    input: jax.Array
    forget: jax.Array
    candidate: jax.Array
    output: jax.Array
    squashed: jax.Array  # tanh of the cell after the step


class LSTMCell:
    """See `unrolling.Cell`."""

    num_gates = 4

    @staticmethod
    def zeros(shape: tuple[int, ...]) -> State:
        return State(jnp.zeros(shape), jnp.zeros(shape))

    @staticmethod
    def step(input_sums: jax.Array, recurrent_sums: jax.Array, state: State) -> tuple[State, _Saved]:
        sums = jnp.split(input_sums + recurrent_sums, 4, axis=-1)
        input_gate, forget, output = (jax.nn.sigmoid(sums[gate]) for gate in (0, 1, 3))
        candidate = jnp.tanh(sums[2])
        cell = forget * state.cell + input_gate * candidate
        squashed = jnp.tanh(cell)
        saved = _Saved(state.cell, input_gate, forget, candidate, output, squashed)
        return State(output * squashed, cell), saved

    @staticmethod
    def back(saved: _Saved, gradient: State) -> tuple[jax.Array, jax.Array, State]:
        by_cell = gradient.cell + gradient.hidden * saved.output * (1.0 - saved.squashed * saved.squashed)
        sums = jnp.concatenate(
            [
                by_cell * saved.candidate * saved.input * (1.0 - saved.input),
                by_cell * saved.cell_before * saved.forget * (1.0 - saved.forget),
                by_cell * saved.input * (1.0 - saved.candidate * saved.candidate),
                gradient.hidden * saved.squashed * saved.output * (1.0 - saved.output),
            ],
            axis=-1,
        )
        return sums, sums, State(jnp.zeros_like(by_cell), by_cell * saved.forget)


class LSTMTowers(RecurrentTowers):
    """An LSTM and a tower for the policy, and the same for the value."""

    cell: ClassVar[type[Cell]] = LSTMCell
    memory_name: ClassVar[str] = "lstm"
