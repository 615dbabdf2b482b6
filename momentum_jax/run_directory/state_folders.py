"""Folders of training states to resume from: made under a temporary name, renamed when whole, the newest two kept."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from momentum_jax.run_directory.atomic_files import STATE_NAME, WHOLE, Share, sync_folder

_KEPT = 2


def states(run_dir: str | Path, share: Share = WHOLE) -> list[tuple[int, Path]]:
    """The (update, folder) of every whole state of a share, newest first."""
    name = re.compile(r"update_(\d{8,})" + re.escape(share.suffix))
    folders = (Path(run_dir) / STATE_NAME).glob("update_*")
    found = [(int(match[1]), folder) for folder in folders if (match := name.fullmatch(folder.name))]
    return sorted(found, reverse=True)


@contextlib.contextmanager
def new_state(run_dir: str | Path, update: int, share: Share = WHOLE) -> Iterator[Path]:
    """A folder to write the state after `update` updates into; it counts as a state once the block has ended.

    Older states than the newest two are then removed. A block that raises leaves the states as they were.
    """
    path = Path(run_dir) / STATE_NAME / f"update_{update:08d}{share.suffix}"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():  # passed again after a resume from an older state
            _remove(path)
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)
    for _, old in states(run_dir, share)[_KEPT:]:
        _remove(old)


def _remove(folder: Path) -> None:
    """Renamed first: a state that is half removed must not look whole."""
    doomed = folder.with_name(f".{folder.name}.{os.getpid()}.old.tmp")
    os.replace(folder, doomed)
    shutil.rmtree(doomed)
