"""The parameters of many runs as arrays of a file, row by row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from momentum_jax.run_directory.atomic_files import Rows
from momentum_jax.training.engine import Engine

_MOST_HELD = 1e9  # bytes of policies


def exported(engine: Engine, runs: range) -> dict[str, Rows]:
    """The exported parameters of consecutive runs by name, [runs, ...].

    A host that holds the states itself, or would hold too much, exports all runs again for each name.
    """
    example = next(engine.policies(runs))
    size = len(runs) * sum(array.nbytes for array in example.values())
    held = list(engine.policies(runs)) if engine.on_accelerator and size <= _MOST_HELD else None

    def rows(name: str) -> Iterator[np.ndarray]:
        return (arrays[name] for arrays in held or engine.policies(runs))

    return {name: Rows((len(runs), *array.shape), array.dtype, rows(name)) for name, array in example.items()}
