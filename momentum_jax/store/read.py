"""Reading a run directory back as one dataset."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.diagnostics.variables import LABELS, VARIABLES
from momentum_jax.store.config import arm_names, read_config
from momentum_jax.store.files import (
    DIAGNOSTICS_NAME,
    Array,
    RunDirectoryError,
    policy_path,
    read_arrays,
)
from momentum_jax.store.write import check_arrays

_SCALARS: tuple[str, ...] = ("env_steps", "update")
_CHECKPOINT_NAME = re.compile(r"step_(\d{8,})\.npz")


def load_run(run_dir: str | Path) -> xr.Dataset:
    """Opens a run directory, finished or not.

    Returns:
        A dataset in memory with dimensions ``arm, seed, checkpoint`` and, where a variable
        has them, ``probe_half, setup_score, action``. Coordinates are the arm names, seed
        numbers, ``env_steps`` and ``update`` of each checkpoint, and the labels of the other
        dimensions. Every variable carries ``units, long_name, kind, estimator, denominator,
        good_direction``; the dataset carries ``experiment, schema_version, run_name,
        data_fingerprint`` and the whole ``config`` as JSON.

    Raises:
        RunDirectoryError: a file is missing, cut short, foreign or of a newer schema; the
            message is one line that names it. Files ending in ``.tmp`` are not looked at.
    """
    root = Path(run_dir)
    config = read_config(root)
    checkpoints = [_read_checkpoint(path, config) for path in _checkpoint_files(root)]
    coords: dict[str, Any] = {
        "arm": ("arm", np.array(arm_names(config))),
        "seed": ("seed", np.array(config["seeds"], np.int64)),
        "env_steps": ("checkpoint", _column(checkpoints, "env_steps"), {"units": "env step"}),
        "update": ("checkpoint", _column(checkpoints, "update"), {"units": "update"}),
    }
    coords |= {dim: (dim, np.array(labels)) for dim, labels in LABELS.items()}
    variables = {
        name: (
            ("arm", "seed", "checkpoint", *variable.dims),
            np.stack([arrays[name] for arrays in checkpoints], axis=2),
            variable.attributes,
        )
        for name, variable in VARIABLES.items()
    }
    return xr.Dataset(variables, coords, _attributes(root, config))


def _checkpoint_files(root: Path) -> list[Path]:
    folder = root / DIAGNOSTICS_NAME
    files = {}
    for path in folder.glob("*.npz"):
        match = _CHECKPOINT_NAME.fullmatch(path.name)
        if match is None:
            raise RunDirectoryError(f"{path}: not a checkpoint, expected step_<env steps, 8 digits>.npz")
        files[int(match[1])] = path
    if not files:
        raise RunDirectoryError(f"{folder}: no checkpoint yet, so there is nothing to read")
    return [files[step] for step in sorted(files)]


def _read_checkpoint(path: Path, config: Mapping[str, Any]) -> dict[str, Array]:
    arrays = read_arrays(path)
    scalars = {name: arrays.pop(name) for name in _SCALARS if name in arrays}
    for name in _SCALARS:
        if name not in scalars or scalars[name].shape != () or scalars[name].dtype != np.int64:
            raise RunDirectoryError(f"{path}: no int64 scalar {name!r}, so it is not a checkpoint")
    if path.name != f"step_{int(scalars['env_steps']):08d}.npz":
        raise RunDirectoryError(f"{path}: holds env_steps {scalars['env_steps']}, unlike its name")
    check_arrays(arrays, len(config["arms"]), len(config["seeds"]), path)
    return {**arrays, **scalars}


def _column(checkpoints: list[dict[str, Array]], name: str) -> Array:
    return np.stack([arrays[name] for arrays in checkpoints])


def _attributes(root: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "experiment": config["experiment"],
        "schema_version": config["schema_version"],
        "run_name": root.resolve().name,
        "data_fingerprint": str(config["data"].get("fingerprint", "")),
        "config": json.dumps(config),
    }


def load_policies(run_dir: str | Path, arm: str) -> dict[str, Array]:
    """Final parameters of one arm, arrays ``[seed, ...]`` by name.

    Raises:
        RunDirectoryError: no such arm or file, or the file is damaged.
    """
    config = read_config(run_dir)
    if arm not in arm_names(config):
        raise RunDirectoryError(f"{run_dir}: no arm {arm!r}, expected one of {arm_names(config)}")
    return read_arrays(policy_path(Path(run_dir), arm))
