"""What one kind of backend needs and another would pay for: chosen here and nowhere else.

Results do not depend on these choices, but for the last digits. The learner asks when it is traced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import jax


class Choices(NamedTuple):
    """How the learner's program is written."""

    # A CPU's product reads a transposed left side 1.7 times more slowly than its copy; a GPU's reads either.
    copies_transposed: bool
    # Steps in one turn of the advantages' loop: on a GPU the kernel of a turn takes as long as its launch.
    advantage_unroll: int
    # The same of the rollout's loop: kernels of neighbouring steps become one. Compiling takes half as long again.
    rollout_unroll: int
    # The same of the loops of a network that remembers, forward and back.
    memory_unroll: int
    # The number of features is filled up with zeros to a multiple: a GPU loads four float32 at once where rows
    # are aligned to 16 bytes, and its TF32 units want that.
    feature_multiple: int


CPU = Choices(copies_transposed=True, advantage_unroll=1, rollout_unroll=1, memory_unroll=1, feature_multiple=1)
ACCELERATOR = Choices(
    copies_transposed=False, advantage_unroll=16, rollout_unroll=4, memory_unroll=8, feature_multiple=8
)

_assumed: list[Choices] = []


def choices() -> Choices:
    """Those of the backend that JAX computes on."""
    if _assumed:
        return _assumed[-1]
    return CPU if jax.default_backend() == "cpu" else ACCELERATOR


@contextlib.contextmanager
def assumed(chosen: Choices) -> Iterator[None]:
    """Trace with these choices on any backend, to count or test what another would compile."""
    _assumed.append(chosen)
    try:
        yield
    finally:
        _assumed.pop()
