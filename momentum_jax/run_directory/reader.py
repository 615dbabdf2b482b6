"""Reading a run directory back as one dataset."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.diagnostics.variables import labels, shapes, table
from momentum_jax.run_directory.atomic_files import (
    DIAGNOSTICS_NAME,
    Array,
    RunDirectoryError,
    Share,
    checkpoint_path,
    policy_path,
    read_arrays,
    read_row,
)
from momentum_jax.run_directory.config_json import arm_names, read_config, shares, version_text
from momentum_jax.run_directory.run_diagnostics import diagnostics_in
from momentum_jax.run_directory.writer import check_arrays

_SCALARS: tuple[str, ...] = ("env_steps", "update")
_CHECKPOINT_NAME = re.compile(r"step_(\d{8,})(?:\.\d+of\d+)?\.npz")


def load_run(run_dir: str | Path) -> xr.Dataset:
    """Opens a run directory, finished or not.

    Returns:
        A dataset in memory with dimensions ``arm, seed, checkpoint`` and, where a variable
        has them, ``probe_half``, the environment's dimension of contexts, ``action``. Coordinates are the arm names,
        seed numbers, ``env_steps`` and ``update`` of each checkpoint, and the labels of the other
        dimensions; a checkpoint is labelled by its env steps: ``run.sel(checkpoint=5_000)``.
        The variables are those of the run's own table (`diagnostics_of`, `variables.table`).
        Every variable carries ``units, long_name, kind, estimator, denominator,
        good_direction``; the dataset carries ``experiment, schema_version, run_name,
        data_fingerprint``, the whole ``config`` as JSON and ``not_recorded``, a JSON list: variables
        that did not exist when the run was written. These are NaN, with one warning.

    Raises:
        RunDirectoryError: a file is missing, cut short, foreign or of a newer schema, or holds a
            variable that this version does not know; the message is one line that names it. Files
            ending in ``.tmp`` are not looked at.
    """
    root = Path(run_dir)
    config = read_config(root)
    steps = complete_steps(root)
    if not steps:
        raise RunDirectoryError(f"{root / DIAGNOSTICS_NAME}: no checkpoint yet, so there is nothing to read")
    checkpoints = [_read_checkpoint(root, step, config) for step in steps]
    not_recorded = sorted({name for arrays in checkpoints for name in _filled(arrays, config)})
    if not_recorded:
        warnings.warn(f"{root}: {', '.join(not_recorded)} did not exist when it was written, so NaN", stacklevel=2)
    env_steps = ("checkpoint", _column(checkpoints, "env_steps"), {"units": "env step"})
    coords: dict[str, Any] = {
        "arm": ("arm", np.array(arm_names(config))),
        "seed": ("seed", np.array(config["seeds"], np.int64)),
        "checkpoint": env_steps,  # labels the dimension: run.sel(checkpoint=5_000)
        "env_steps": env_steps,
        "update": ("checkpoint", _column(checkpoints, "update"), {"units": "update"}),
    }
    diagnostics = diagnostics_in(config)
    coords |= {dim: (dim, np.array(values)) for dim, values in labels(diagnostics).items()}
    variables = {
        name: (
            ("arm", "seed", "checkpoint", *variable.dims),
            np.stack([arrays[name] for arrays in checkpoints], axis=2),
            variable.attributes,
        )
        for name, variable in table(diagnostics).items()
    }
    return xr.Dataset(variables, coords, _attributes(root, config) | {"not_recorded": json.dumps(not_recorded)})


def complete_steps(run_dir: str | Path) -> list[int]:
    """Ascending env steps of the checkpoints that every process has written.

    Raises:
        RunDirectoryError: no run directory, or a foreign archive among the checkpoints.
    """
    root = Path(run_dir)
    parts = shares(read_config(root))
    steps = set()
    for path in (root / DIAGNOSTICS_NAME).glob("*.npz"):
        match = _CHECKPOINT_NAME.fullmatch(path.name)
        if match is None:
            raise RunDirectoryError(f"{path}: not a checkpoint, expected step_<env steps, 8 digits>.npz")
        steps.add(int(match[1]))
    return [step for step in sorted(steps) if all(checkpoint_path(root, step, share).exists() for share in parts)]


def failed_seeds(run_dir: str | Path) -> Array:
    """Which seeds have failed by the last checkpoint, [arm, seed] bool; none where nothing of it is recorded.

    Raises:
        RunDirectoryError: a file is missing, damaged or foreign.
    """
    root = Path(run_dir)
    config = read_config(root)
    steps = complete_steps(root)
    last = _read_checkpoint(root, steps[-1], config) if steps else {}
    return last.get("failed_step", np.full((len(config["arms"]), len(config["seeds"])), -1)) >= 0


def _read_checkpoint(root: Path, env_steps: int, config: Mapping[str, Any]) -> dict[str, Array]:
    """One checkpoint's recorded arrays [arm, seed, ...] and scalars, the seeds of all processes in order."""
    parts = [_read_share(root, env_steps, share, config) for share in shares(config)]
    scalars = {name: parts[0].pop(name) for name in _SCALARS}
    recorded = [name for name in table(diagnostics_in(config)) if all(name in part for part in parts)]
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in recorded} | scalars


def _filled(arrays: dict[str, Array], config: Mapping[str, Any]) -> list[str]:
    """Put NaN in place of the variables that a checkpoint does not have; returns their names."""
    sizes = shapes(diagnostics_in(config))
    absent = [name for name in sizes if name not in arrays]
    lead = len(config["arms"]), len(config["seeds"])
    arrays |= {name: np.full((*lead, *sizes[name]), np.nan) for name in absent}
    return absent


def _read_share(root: Path, env_steps: int, share: Share, config: Mapping[str, Any]) -> dict[str, Array]:
    path = checkpoint_path(root, env_steps, share)
    arrays = read_arrays(path)
    scalars = {name: arrays.pop(name) for name in _SCALARS if name in arrays}
    for name in _SCALARS:
        if name not in scalars or scalars[name].shape != () or scalars[name].dtype != np.int64:
            raise RunDirectoryError(f"{path}: no int64 scalar {name!r}, so it is not a checkpoint")
    if int(scalars["env_steps"]) != env_steps:
        raise RunDirectoryError(f"{path}: holds env_steps {scalars['env_steps']}, unlike its name")
    unknown = sorted(arrays.keys() - table(diagnostics_in(config)).keys())
    if unknown or not arrays:
        found = f"unknown variables {unknown}" if unknown else "no variables"
        raise RunDirectoryError(f"{path}: {found}: {version_text(config)}; read it with that version")
    check_arrays(arrays, config, share, path)
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
    config = _config_with(run_dir, arm)
    parts = [read_arrays(policy_path(Path(run_dir), arm, share)) for share in shares(config)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def load_seed_policy(run_dir: str | Path, arm: str, seed: int) -> dict[str, Array]:
    """Final parameters of one seed of one arm by name, read without those of the other seeds.

    Raises:
        RunDirectoryError: no such arm, seed or file, or the file is damaged.
    """
    config = _config_with(run_dir, arm)
    for share in shares(config):
        if seed in (own := share.of(config["seeds"])):
            return read_row(policy_path(Path(run_dir), arm, share), own.index(seed))
    first, last = config["seeds"][0], config["seeds"][-1]
    raise RunDirectoryError(f"{run_dir}: no seed {seed}, expected one of {first} … {last}")


def _config_with(run_dir: str | Path, arm: str) -> Mapping[str, Any]:
    """A run's config, which must have the arm."""
    config = read_config(run_dir)
    if arm not in arm_names(config):
        raise RunDirectoryError(f"{run_dir}: no arm {arm!r}, expected one of {arm_names(config)}")
    return config
