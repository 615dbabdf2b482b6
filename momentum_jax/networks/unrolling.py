"""Recurrent cells over time, several beside each other, with the weights' gradients outside the loop.

What a step needs for them is stored, and multiplied once for all steps after the loop back: summed inside it, as
differentiating a scan would, each step would read and write a gradient as large as the weights.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from momentum_jax.networks import backend
from momentum_jax.networks.network import Restarts


class Cell(Protocol):
    """The elementwise part of a recurrent cell, without parameters.

    Sums come in gates, [..., num_gates · H]. A state is a NamedTuple with leaves [..., H], of which `hidden` leaves
    the cell.
    """

    num_gates: int

    @staticmethod
    def zeros(shape: tuple[int, ...]) -> Any:
        """A state at an episode's start, leaves of `shape`."""

    @staticmethod
    def step(input_sums: jax.Array, recurrent_sums: jax.Array, state: Any) -> tuple[Any, Any]:
        """The state after a step, and what `back` needs of the step."""

    @staticmethod
    def back(saved: Any, gradient: Any) -> tuple[jax.Array, jax.Array, Any]:
        """From the gradient of the state after a step: those of both sums, and of the state before the step.

        The last without what comes to it through the recurrent sums.
        """


class RecurrentWeights(NamedTuple):
    """Of the product that takes what left S cells into their next step."""

    kernel: jax.Array  # [S, H, G]
    bias: jax.Array  # [S, G]

    def sums(self, hidden: jax.Array) -> jax.Array:
        """[S, B, G] of [S, B, H]: one product for all cells."""
        return jnp.einsum("sbh,shg->sbg", hidden, self.kernel) + self.bias[:, None]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def unroll(
    cell: type[Cell],
    weights: RecurrentWeights,
    input_sums: jax.Array,
    carry: Any,
    starts: jax.Array,
    restarts: Restarts | None,
) -> jax.Array:
    """What leaves S cells after each of T steps of B sequences, [T, S, B, H].

    Gradients flow through time as far back as a start or a restart; none reaches the states of `restarts`.

    Args:
      cell: its elementwise part.
      weights: of the recurrent product.
      input_sums: [T, S, B, G].
      carry: before the first step, leaves [S, B, H].
      starts: [T, B] bool: the state is zero before the step.
      restarts: carry with leaves [T, S, B, H]; None where every sequence begins with the first step.
    """
    return _forward(cell, weights, input_sums, carry, starts, restarts)[0]


def _forward(
    cell: type[Cell],
    weights: RecurrentWeights,
    input_sums: jax.Array,
    carry: Any,
    starts: jax.Array,
    restarts: Restarts | None,
) -> tuple[jax.Array, Any]:
    def step(state: Any, now: tuple[jax.Array, jax.Array, Restarts | None]) -> tuple[Any, Any]:
        sums, keep, restart = now
        if restart is not None:
            here = restart.here[:, None]
            state = jax.tree.map(lambda stored, old: jnp.where(here, stored, old), restart.carry, state)
        state = jax.tree.map(lambda leaf: leaf * keep, state)
        after, saved = cell.step(sums, weights.sums(state.hidden), state)
        return after, (after.hidden, state.hidden, saved)

    keep = 1.0 - starts.astype(input_sums.dtype)[..., None]  # [T, B, 1]
    steps = input_sums, keep, restarts
    _, (hidden, entered, saved) = jax.lax.scan(step, carry, steps, unroll=backend.choices().memory_unroll)
    linked = keep if restarts is None else jnp.where(restarts.here[..., None], 0.0, keep)
    return hidden, (weights, entered, saved, linked)


def _backward(cell: type[Cell], residuals: Any, gradient: jax.Array) -> tuple[Any, ...]:
    weights, entered, saved, linked = residuals

    def step(later: Any, now: Any) -> tuple[Any, tuple[jax.Array, jax.Array]]:
        by_hidden, saved, link = now
        by_inputs, by_recurrent, before = cell.back(saved, later._replace(hidden=later.hidden + by_hidden))
        through = jnp.einsum("sbg,shg->sbh", by_recurrent, weights.kernel)
        before = before._replace(hidden=before.hidden + through)
        return jax.tree.map(lambda leaf: leaf * link, before), (by_inputs, by_recurrent)

    nothing, unroll = cell.zeros(entered.shape[1:]), backend.choices().memory_unroll
    steps = gradient, saved, linked
    by_carry, (by_inputs, by_recurrent) = jax.lax.scan(step, nothing, steps, reverse=True, unroll=unroll)
    by_kernel = jnp.einsum("tsbh,tsbg->shg", entered, by_recurrent)
    return RecurrentWeights(by_kernel, by_recurrent.sum(axis=(0, 2))), by_inputs, by_carry, None, None


unroll.defvjp(_forward, _backward)
