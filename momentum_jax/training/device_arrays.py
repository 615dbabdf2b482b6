"""Leaves of a state on their way between devices and host: random keys travel as their data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def wrapped(leaf: jax.Array, data: Any) -> Any:
    """Numbers from the host as the leaf's kind: those of random keys as keys."""
    return jax.random.wrap_key_data(data, impl=jax.random.key_impl(leaf)) if is_key(leaf) else data


def sent(results: Any) -> Any:
    """The same results, on their way to the host as soon as they are computed: whoever asks for them waits less."""
    for leaf in jax.tree.leaves(results):
        leaf.copy_to_host_async()
    return results


def is_key(leaf: jax.Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def plain(leaf: jax.Array) -> jax.Array:
    """The leaf as numbers: random keys as their data."""
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


@jax.jit
def copied(tree: Any) -> Any:
    """A tree's leaves as numbers, to be brought to the host and dropped.

    An array keeps what it once gave to the host: without the copy the states would be held twice.
    """
    return jax.tree.map(lambda leaf: jnp.copy(plain(leaf)), tree)


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays one after the other; a single one as it is, not copied, and perhaps not to be written to."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
