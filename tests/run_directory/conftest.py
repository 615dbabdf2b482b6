"""A small run: its config, and checkpoints filled with numbers that differ everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from momentum_jax.diagnostics.variables import shapes, table
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.run_directory import create_run, write_checkpoint

Arrays = dict[str, np.ndarray]


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "experiment": "small",
        "arms": [{"name": "tune2", "env": {"hold_tax": -0.0005}, "ppo": {}}, {"name": "ent_coef=0.1"}],
        "seeds": [3, 1, 4],
        "timesteps": 2_000,
        "checkpoints": [0, 1_000, 2_000],
        "data": {"fingerprint": "sha256:abc"},
        "diagnostics": MOMENTUM.to_json(),
        "git_commit": None,
        "something_else": [1, {"two": 3}],
    }


@pytest.fixture
def arrays() -> Callable[[int], Arrays]:
    """Every variable of the small run's checkpoint, drawn from a numbered stream."""

    def draw(number: int) -> Arrays:
        key = np.random.default_rng(number)
        return {
            name: (100 * key.random((2, 3, *shapes(MOMENTUM)[name]))).astype(variable.dtype)
            for name, variable in table(MOMENTUM).items()
        }

    return draw


@pytest.fixture
def run_dir(tmp_path: Path, config: dict[str, Any], arrays: Callable[[int], Arrays]) -> Path:
    """A run directory with the checkpoints 0 and 1000, written in the wrong order."""
    path = tmp_path / "runs" / "small"
    create_run(path, config)
    write_checkpoint(path, 1_000, 2, arrays(1))
    write_checkpoint(path, 0, 0, arrays(0))
    return path
