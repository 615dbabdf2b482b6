"""One writer at a time: a lock file that the operating system releases when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from momentum_jax.run_directory.atomic_files import LOCK_NAME, WHOLE, RunDirectoryError, Share


@contextlib.contextmanager
def locked(run_dir: str | Path, share: Share = WHOLE) -> Iterator[None]:
    """Holds a run directory (or one process's share of it) for writing.

    The lock is the kernel's (``flock``), so that a killed run leaves none behind; the file says who
    holds it. It is removed on the way out.

    Raises:
        RunDirectoryError: another process holds it, by its pid and host, or the folder cannot be written.
    """
    path = Path(run_dir) / f"{LOCK_NAME}{share.suffix if share.index else ''}"
    descriptor = _acquire(path)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunDirectoryError(f"{path}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise RunDirectoryError(_refusal(path, error)) from None
        if _is_still(path, descriptor):
            return descriptor
        os.close(descriptor)  # its holder removed it between our opening and locking it


def _refusal(path: Path, error: OSError) -> str:
    if not isinstance(error, BlockingIOError):
        return f"{path}: cannot be locked ({error.strerror})"
    with contextlib.suppress(OSError):
        holder = path.read_text(encoding="utf-8").strip()
        return f"{path.parent}: in use by {holder or 'another process'}: wait for it to end, or stop it"
    return f"{path.parent}: was in use by another process just now: try again"


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
