"""A tree of many small arrays as few: one array for each element type, and back."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Packing(NamedTuple):
    """How a tree's leaves lie side by side; made by `of`."""

    structure: Any
    shapes: tuple[tuple[int, ...], ...]  # of each leaf, without its leading axes
    types: tuple[Any, ...]

    def pack(self, tree: Any) -> tuple[jax.Array, ...]:
        """One array [..., n] for each element type, of leaves [..., *shape]."""
        leaves = self.structure.flatten_up_to(tree)
        flat = [
            leaf.reshape(*leaf.shape[: leaf.ndim - len(shape)], math.prod(shape))
            for leaf, shape in zip(leaves, self.shapes, strict=True)
        ]
        return tuple(
            jnp.concatenate([leaf for leaf, found in zip(flat, self.types, strict=True) if found == kind], axis=-1)
            for kind in dict.fromkeys(self.types)
        )

    def unpack(self, packed: tuple[jax.Array, ...]) -> Any:
        """The tree again, with the leading axes of `packed`."""
        arrays = dict(zip(dict.fromkeys(self.types), packed, strict=True))
        leaves, begin = [], dict.fromkeys(arrays, 0)
        for shape, kind in zip(self.shapes, self.types, strict=True):
            end = begin[kind] + math.prod(shape)
            part = arrays[kind][..., begin[kind] : end]
            leaves.append(part.reshape(*part.shape[:-1], *shape))
            begin[kind] = end
        return jax.tree.unflatten(self.structure, leaves)


def of(tree: Any, lead: int) -> Packing:
    """The packing of arrays (or their shapes) that have `lead` leading axes in common."""
    leaves, structure = jax.tree.flatten(tree)
    return Packing(structure, tuple(leaf.shape[lead:] for leaf in leaves), tuple(leaf.dtype for leaf in leaves))
