"""Writing a run directory while the run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from momentum_jax.diagnostics.variables import SCHEMA_VERSION, shapes, table
from momentum_jax.run_directory.atomic_files import (
    CONFIG_NAME,
    DIAGNOSTICS_NAME,
    WHOLE,
    Array,
    Rows,
    RunDirectoryError,
    Share,
    checkpoint_path,
    log_path,
    policy_path,
    write_arrays,
    write_atomic,
)
from momentum_jax.run_directory.config_json import arm_names, check_config, is_run, read_config
from momentum_jax.run_directory.run_diagnostics import diagnostics_in
from momentum_jax.run_directory.writer_lock import locked


def create_run(run_dir: str | Path, config: Mapping[str, Any]) -> None:
    """Makes a new run directory and writes its config.json.

    Args:
        run_dir: must not exist yet.
        config: ``experiment``, ``arms`` (each with ``name``), ``seeds``, ``timesteps``,
            ``checkpoints`` and ``data`` are required, other keys are kept as they are.
            ``schema_version`` is this program's, whatever the caller has.

    Raises:
        RunDirectoryError: the directory exists, or the config is incomplete or not JSON.
    """
    root = Path(run_dir)
    text = _config_text(root, config)
    check_absent(root)
    try:
        root.mkdir(parents=True)
        (root / DIAGNOSTICS_NAME).mkdir()
        write_atomic(root / CONFIG_NAME, text)
    except FileExistsError:
        raise RunDirectoryError(f"{root}: was made by another process just now: choose another name") from None
    except OSError as error:
        raise RunDirectoryError(f"{root}: cannot be written ({error.strerror})") from error


def check_absent(run_dir: str | Path) -> None:
    """Raises RunDirectoryError where a new run cannot lie, because something is there already."""
    root = Path(run_dir)
    if not os.path.lexists(root):
        return
    if not root.is_dir():
        raise RunDirectoryError(f"{root}: is a file, and a run needs a folder of its own: choose another name")
    if not is_run(root):
        raise RunDirectoryError(f"{root}: exists already and is not a run's: choose a name that does not exist yet")
    with locked(root):  # refused by name where somebody is at work in it
        pass
    raise RunDirectoryError(f"{root}: exists already; choose another name or add --resume")


def replace_config(run_dir: str | Path, config: Mapping[str, Any]) -> None:
    """Writes another config.json in place of the one that is there.

    Raises:
        RunDirectoryError: the config is incomplete or not JSON.
    """
    write_atomic(Path(run_dir) / CONFIG_NAME, _config_text(Path(run_dir), config))


def _config_text(root: Path, config: Mapping[str, Any]) -> bytes:
    path = root / CONFIG_NAME
    resolved = {**config, "schema_version": SCHEMA_VERSION}
    check_config(resolved, path)
    try:
        return (json.dumps(resolved, indent=2, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise RunDirectoryError(f"{path}: the config cannot be written as JSON ({error})") from error


def write_checkpoint(
    run_dir: str | Path, env_steps: int, update: int, arrays: Mapping[str, Array], share: Share = WHOLE
) -> None:
    """Writes one checkpoint, ``diagnostics/step_<env_steps, 8 digits>.npz``.

    A checkpoint that is there already is replaced: a resumed run passes it again.

    Args:
        run_dir: made by `create_run`.
        env_steps: environment steps done, exactly.
        update: number of updates that the probed policy had seen.
        arrays: every variable of the run's table, each ``[arm, seed, *dims]`` of its dtype.
        share: whose seeds these are, where several processes write.

    Raises:
        RunDirectoryError: a name, shape or dtype differs from the table.
    """
    root = Path(run_dir)
    config = read_config(root)
    path = checkpoint_path(root, env_steps, share)
    if env_steps < 0 or update < 0:
        raise RunDirectoryError(f"{path}: env_steps {env_steps} and update {update}, expected 0 or more")
    expected = table(diagnostics_in(config)).keys()
    missing, unknown = sorted(expected - arrays.keys()), sorted(arrays.keys() - expected)
    if missing or unknown:
        raise RunDirectoryError(f"{path}: missing variables {missing}, unknown variables {unknown}")
    check_arrays(arrays, config, share, path)
    scalars = {"env_steps": np.asarray(env_steps, np.int64), "update": np.asarray(update, np.int64)}
    write_arrays(path, {**scalars, **arrays})


def check_arrays(arrays: Mapping[str, Array], config: Mapping[str, Any], share: Share, path: Path) -> None:
    """Compares a share's arrays of a checkpoint with the rows of the run's table that they name.

    Raises:
        RunDirectoryError: naming `path`, the array, what was found and what was expected.
    """
    diagnostics = diagnostics_in(config)
    variables, sizes = table(diagnostics), shapes(diagnostics)
    lead = len(config["arms"]), len(share.of(config["seeds"]))
    for name, found in arrays.items():
        value, variable = np.asarray(found), variables[name]
        shape = (*lead, *sizes[name])
        dims = ", ".join(("arm", "seed", *variable.dims))
        if value.shape != shape or value.dtype != np.dtype(variable.dtype):
            raise RunDirectoryError(
                f"{path}: {name} is {value.dtype} {value.shape}, expected {variable.dtype} {shape} [{dims}]"
            )


def write_policy(run_dir: str | Path, arm: str, arrays: Mapping[str, Array | Rows], share: Share = WHOLE) -> None:
    """Writes the final parameters of an arm, ``policies/final_<arm>.npz``.

    Args:
        run_dir: made by `create_run`.
        arm: its name.
        arrays: ``[seed, ...]`` by name (``policy/dense_0/kernel``).
        share: whose seeds these are, where several processes write.

    Raises:
        RunDirectoryError: an unknown arm, or an array without the share's seeds in front.
    """
    root = Path(run_dir)
    config = read_config(root)
    path = policy_path(root, arm, share)
    if arm not in arm_names(config):
        raise RunDirectoryError(f"{path}: arm {arm!r} is not one of {arm_names(config)}")
    num_seeds = len(share.of(config["seeds"]))
    for name, value in arrays.items():
        if value.shape[:1] != (num_seeds,):
            raise RunDirectoryError(f"{path}: {name} has shape {value.shape}, expected {num_seeds} seeds in front")
    write_arrays(path, arrays, compressed=False)


def append_log(run_dir: str | Path, line: str, share: Share = WHOLE) -> None:
    """Appends one line to log.txt, or to the log of a further process."""
    with log_path(Path(run_dir), share).open("a", encoding="utf-8") as file:
        file.write(line.rstrip("\n") + "\n")
