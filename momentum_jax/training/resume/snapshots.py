"""Training states on disk: the learners' arrays by Orbax, what the host has counted beside them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from momentum_jax import run_directory
from momentum_jax.training.run_snapshots import Snapshot

_COUNTED = "counted.npz"
_RUNS = "runs_{:05d}"
_SPARE_BYTES = 1_000_000  # for the files that describe the arrays


def save(folder: Path, snapshots: Iterable[Snapshot], counted: Mapping[str, np.ndarray]) -> None:
    """Write a state into an empty folder.

    Raises:
      OSError: the disk is full or the folder cannot be written.
    """
    run_directory.write_arrays(folder / _COUNTED, counted, compressed=False)
    checkpointer, args = _orbax()
    for number, snapshot in enumerate(snapshots):
        path = folder.absolute() / _RUNS.format(number)
        # The writer beneath does its work in threads and fills the screen with their traces when the disk is full.
        check_room(path, sum(array.nbytes for array in snapshot.values()))
        try:
            checkpointer.save(path, args=args.PyTreeSave(snapshot))
        except ValueError as error:
            raise OSError(errno.EIO, " ".join(str(error).split())[:200], str(path)) from error


def check_room(path: Path, num_bytes: int) -> None:
    """Raises OSError, as a write to `path` would, if the disk has less room than `num_bytes` need."""
    free = shutil.disk_usage(path.parent).free
    if free < num_bytes + _SPARE_BYTES:
        found = f"{os.strerror(errno.ENOSPC)} ({(num_bytes + _SPARE_BYTES) / 1e6:.0f} MB needed, {free / 1e6:.0f} free)"
        raise OSError(errno.ENOSPC, found, str(path))


def load(folder: Path) -> tuple[Iterator[Snapshot], dict[str, np.ndarray]]:
    """Read what `save` wrote, the snapshots as they are asked for.

    Raises:
      RunDirectoryError: a file is missing or damaged.
    """
    return _snapshots(folder), run_directory.read_arrays(folder / _COUNTED)


def _snapshots(folder: Path) -> Iterator[Snapshot]:
    checkpointer, args = _orbax()
    for path in sorted(folder.glob("runs_*")):
        try:
            yield checkpointer.restore(path.absolute(), args=args.PyTreeRestore())
        except (ValueError, OSError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise run_directory.RunDirectoryError(f"{path}: damaged ({reason})") from error


def _orbax() -> tuple[Any, Any]:
    """A checkpointer that waits for no other process: each writes its own share."""
    # Imported late: it takes most of a second, and a run saves its first state after a while.
    import jax
    import orbax.checkpoint as ocp

    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"process_{me}"
    )
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=alone)
    return ocp.Checkpointer(handler, multiprocessing_options=alone), ocp.args
