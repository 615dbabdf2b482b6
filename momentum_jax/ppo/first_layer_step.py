"""The first layer's gradient, clipping and Adam as one GPU kernel that never writes the gradient to memory.

The first layer has most of the weights, and a gradient step is bound by how often they pass through memory: its
gradient alone is written once and read twice, for the norm and by Adam. Here a program of the kernel multiplies one
tile of the gradient out of the features X and the gradient D of the layer's sums, and moves the tile's weights and
moments at once. Clipping needs the norm before: a kernel of its own takes it from two small products,
|XᵀD|² = Σ (XXᵀ ∘ DDᵀ).

Both compute what `optimizers.adam` behind `optimizers.clip_per_input` does, but for the last digits. They are written
for one run: `jax.vmap` makes them kernels for many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from momentum_jax.ppo import optimizers


class Tile(NamedTuple):
    """What one program of a kernel multiplies at a time, powers of two of at least 16, and its warps."""

    features: int
    units: int
    transitions: int
    warps: int


class Design(NamedTuple):
    """How the kernels are written."""

    step: Tile
    norm: Tile  # which takes all transitions of a minibatch
    norm_precision: str | None  # of the norm's products; None for that of all products


DESIGN = Design(
    step=Tile(features=32, units=128, transitions=16, warps=4),
    norm=Tile(features=32, units=32, transitions=0, warps=4),
    norm_precision=None,
)


class Weights(NamedTuple):
    """Of the first layer, or their moments; leaves [F, O] float32."""

    kernel: jax.Array
    mean: jax.Array
    square: jax.Array


def squared_norm(features: jax.Array, gradient: jax.Array, input_counts: jax.Array) -> jax.Array:
    """Squared norm [] of the kernel's gradient over all weights: a shared row counts as in `optimizers.global_norm`.

    Args:
      features: X [B, F], each feature times its count of inputs.
      gradient: D [B, O], of the layer's sums.
      input_counts: inputs that each feature stands for, [F].
    """
    out = (jax.ShapeDtypeStruct((1,), jnp.float32),)
    arguments = features, gradient, 1.0 / input_counts
    kernel = partial(_norm_kernel, DESIGN.norm, DESIGN.norm_precision)
    return _run(kernel, arguments, out, grid=(1,), warps=DESIGN.norm.warps)[0][0]


def step(
    features: jax.Array,
    gradient: jax.Array,
    input_counts: jax.Array,
    scale: jax.Array,
    rates: optimizers.AdamRates,
    weights: Weights,
) -> Weights:
    """The weights and moments after one step of Adam, written into the memory of those before it.

    Args:
      features, gradient, input_counts: as for `squared_norm`.
      scale: of the gradient, by which it is clipped, [].
      rates: of this step.
      weights: before it.
    """
    out = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in weights)
    arguments = features, gradient, 1.0 / input_counts, jnp.stack([scale, *rates]), *weights
    tile = DESIGN.step
    grid = tuple(map(pl.cdiv, weights.kernel.shape, (tile.features, tile.units)))
    aliases = {len(arguments) - len(out) + number: number for number in range(len(out))}
    kernel = partial(_step_kernel, tile)
    return Weights(*_run(kernel, arguments, out, grid=grid, warps=tile.warps, aliases=aliases))


def _norm_kernel(tile: Tile, precision: str | None, features: Any, gradient: Any, shares: Any, out: Any) -> None:
    """Σ (X diag(1/c) Xᵀ ∘ DDᵀ), features and units a tile at a time."""

    def of_features(number: jax.Array, products: jax.Array) -> jax.Array:
        rows, inside = _tile(number, tile.features, features.shape[1])
        inputs, share = _load(features, (slice(None), rows), inside[None]), _load(shares, (rows,), inside)
        return products + _product(inputs * share[None], inputs.T, precision)

    def of_units(number: jax.Array, products: jax.Array) -> jax.Array:
        columns, inside = _tile(number, tile.units, gradient.shape[1])
        sums = _load(gradient, (slice(None), columns), inside[None])
        return products + _product(sums, sums.T, precision)

    none = jnp.zeros((features.shape[0], features.shape[0]), jnp.float32)
    of_inputs = jax.lax.fori_loop(0, pl.cdiv(features.shape[1], tile.features), of_features, none)
    of_sums = jax.lax.fori_loop(0, pl.cdiv(gradient.shape[1], tile.units), of_units, none)
    out[0] = jnp.sum(of_inputs * of_sums)


def _step_kernel(tile: Tile, features: Any, gradient: Any, shares: Any, numbers: Any, *weights: Any) -> None:
    """One tile of the gradient, then of the weights and their moments."""
    before, after = weights[: len(Weights._fields)], weights[len(Weights._fields) :]
    rows, inside = _tile(pl.program_id(0), tile.features, features.shape[1])
    columns, within = _tile(pl.program_id(1), tile.units, gradient.shape[1])
    both = inside[:, None] & within[None]
    kernel, mean, square = (_load(ref, (rows, columns), both) for ref in before)

    def add(number: jax.Array, products: jax.Array) -> jax.Array:
        chunk = pl.ds(number * tile.transitions, tile.transitions)
        inputs = _load(features, (chunk, rows), inside[None])
        return products + _product(inputs.T, _load(gradient, (chunk, columns), within[None]))

    none = jnp.zeros((tile.features, tile.units), jnp.float32)
    products = jax.lax.fori_loop(0, features.shape[0] // tile.transitions, add, none)
    scale, rate, small = (numbers[number] for number in range(3))
    moving = products * (_load(shares, (rows,), inside) * scale)[:, None]
    mean, square = optimizers.next_mean(mean, moving), optimizers.next_square(square, moving)
    kernel = kernel - rate * (mean / (jnp.sqrt(square) + small))
    for ref, moved in zip(after, (kernel, mean, square), strict=True):
        triton.store(ref.at[rows, columns], moved, mask=both)


def _product(left: jax.Array, right: jax.Array, precision: str | None = None) -> jax.Array:
    return jnp.dot(left, right, precision=precision, preferred_element_type=jnp.float32)


def _tile(number: Any, size: int, length: int) -> tuple[Any, jax.Array]:
    """The number-th slice of this size of an axis, and what of it lies within the axis, [size] bool."""
    begin = number * size
    return pl.ds(begin, size), begin + jnp.arange(size) < length


def _load(ref: Any, index: tuple[Any, ...], inside: jax.Array) -> jax.Array:
    """A part of an array, with zeros where it lies outside."""
    shape = [axis.size if isinstance(axis, pl.Slice) else length for axis, length in zip(index, ref.shape, strict=True)]
    return triton.load(ref.at[index], mask=jnp.broadcast_to(inside, shape), other=0.0)


def _run(
    kernel: partial[None],
    arguments: tuple[jax.Array, ...],
    out: tuple[jax.ShapeDtypeStruct, ...],
    grid: tuple[int, ...],
    warps: int,
    aliases: Mapping[int, int] | None = None,
) -> tuple[jax.Array, ...]:
    """Run a kernel on a GPU; a CPU interprets it, for tests."""

    def call(interpret: bool) -> Callable[..., tuple[jax.Array, ...]]:
        return pl.pallas_call(
            kernel,
            out_shape=out,
            grid=grid,
            input_output_aliases=aliases or {},
            interpret=interpret,
            compiler_params=triton.CompilerParams(num_warps=warps, num_stages=2),
            name=f"first_layer{kernel.func.__name__.removesuffix('_kernel')}",
        )

    return tuple(jax.lax.platform_dependent(*arguments, cpu=call(interpret=True), default=call(interpret=False)))
