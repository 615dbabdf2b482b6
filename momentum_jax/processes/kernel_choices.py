"""Which kernels XLA chose by timing them, kept beside a run so that it goes on with the same ones. Imports no JAX.

On a GPU, XLA times several kernels for a product and takes the fastest; another process or card may choose another, and
with it other last digits. JAX keeps these choices in a folder of the compilation cache, since 0.11 in a folder for each
kind of card. A run that trains on a GPU has a copy of it in its directory; when it is resumed where the cache knows
nothing of them, or other choices, the program is compiled in a cache of its own that begins with the copy.

Processes compile into one cache one after the other (`alone`): two that compiled the same program at once would each
train with its own choices, and only one's would be kept for what is resumed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_KEPT = "kernels"  # in a run directory
_PROGRAMS = "xla"
_CHOICES = "xla_gpu_per_fusion_autotune_cache_dir"  # JAX's name, in the folder of programs
_LOCK_NAME = "compiling.lock"  # in the folder of programs
_PATIENCE = 0.1  # seconds between two tries to lock it

_entering = threading.Lock()
_holders: dict[Path, tuple[int, IO[bytes] | None]] = {}  # by folder: this process's threads inside, the locked file


def compilation_cache(cache_dir: Path, run_dir: Path | None = None) -> Path:
    """The folder of compiled programs to use: one that agrees with the choices that `run_dir` keeps, if any."""
    usual = cache_dir / _PROGRAMS
    kept = run_dir / _KEPT if run_dir else None
    if kept is None or not kept.is_dir() or _agrees(kept, usual / _CHOICES):
        return usual
    own = cache_dir / f"{_PROGRAMS}-{_digest(kept)}"
    _copy_missing(kept, own / _CHOICES)
    return own


def keep(programs: Path, run_dir: Path) -> None:
    """Copy the choices beside the programs' folder into a run directory; what it keeps already stays."""
    _copy_missing(programs / _CHOICES, run_dir / _KEPT)


@contextlib.contextmanager
def alone(
    programs: Path, given_up: Callable[[], bool] = lambda: False, held_off: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Wait until no other process is in this context for the same folder of programs; threads of one process share it.

    Also processes that compile something else wait, on whichever machine shares the folder: programs have kernels in
    common. A process that is killed leaves. Where the file system has no locks, and once `given_up` says so, nothing
    is held off. `held_off` is called once if another process is there.
    """
    with _entering:
        count, file = _holders.get(programs) or (0, _locked(programs, given_up, held_off))
        _holders[programs] = count + 1, file
    try:
        yield
    finally:
        with _entering:
            count, file = _holders.pop(programs)
            if count > 1:
                _holders[programs] = count - 1, file
            elif file is not None:
                file.close()


def _locked(programs: Path, given_up: Callable[[], bool], held_off: Callable[[], None]) -> IO[bytes] | None:
    """The locked file; None where there is no lock to be had."""
    try:
        programs.mkdir(parents=True, exist_ok=True)
        file = (programs / _LOCK_NAME).open("wb")
    except OSError:
        return None
    told = False
    while not given_up():
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if not told:
                held_off()
            told = True
            time.sleep(_PATIENCE)
        except OSError:
            break
    file.close()
    return None


def _agrees(kept: Path, present: Path) -> bool:
    """Whether every kept choice is present and the same."""
    return all(
        (present / name).is_file() and (present / name).read_bytes() == (kept / name).read_bytes()
        for name in _names(kept)
    )


def _copy_missing(source: Path, target: Path) -> None:
    for name in _names(source):
        chosen = target / name
        chosen.parent.mkdir(parents=True, exist_ok=True)
        if not chosen.exists():
            half_written = chosen.with_name(f"{chosen.name}.{os.getpid()}.tmp")
            shutil.copyfile(source / name, half_written)
            half_written.replace(chosen)


def choices_beside(programs: Path) -> dict[Path, bytes]:
    """The choices in a folder of programs, by their paths in their own folder."""
    return _choices(programs / _CHOICES)


def kept_choices(run_dir: Path) -> dict[Path, bytes]:
    """The choices that a run keeps, by the same paths."""
    return _choices(run_dir / _KEPT)


def _choices(folder: Path) -> dict[Path, bytes]:
    return {name: (folder / name).read_bytes() for name in _names(folder)}


def _names(folder: Path) -> list[Path]:
    """Relative paths of the choices; what XLA, or a copy, is still writing is left out."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if not _is_half_written(name))


def _is_half_written(name: Path) -> bool:
    """XLA's versions write in a folder `tmp` or to a name that begins with `.tmp` or `tmp_`; copies end in `.tmp`."""
    return name.suffix == ".tmp" or any(part == "tmp" or part.startswith((".tmp", "tmp_")) for part in name.parts)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, content in _choices(folder).items():
        digest.update(name.as_posix().encode() + b"\0" + content)
    return digest.hexdigest()[:16]
