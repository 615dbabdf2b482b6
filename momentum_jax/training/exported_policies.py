"""The parameters of many runs as arrays of a file, row by row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from momentum_jax.run_directory.atomic_files import Rows
from momentum_jax.training.engine import Engine


def exported(engine: Engine, runs: range) -> dict[str, Rows]:
    """The exported parameters of consecutive runs by name, [runs, ...].

    A host that holds the states itself exports all runs again for each name, so that it never holds all policies.
    """
    held = list(engine.policies(runs)) if engine.on_accelerator else None

    def rows(name: str) -> Iterator[np.ndarray]:
        return (arrays[name] for arrays in held or engine.policies(runs))

    example = held[0] if held else next(engine.policies(runs))
    return {name: Rows((len(runs), *array.shape), array.dtype, rows(name)) for name, array in example.items()}
