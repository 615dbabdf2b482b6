"""Which kernels XLA chose by timing them, kept beside a run so that it goes on with the same ones. Imports no JAX.

On a GPU, XLA times several kernels for a product and takes the fastest; another process or card may choose another, and
with it other last digits. JAX keeps these choices in a folder of the compilation cache. A run that trains on a GPU has
a copy of it in its directory; when it is resumed where the cache knows nothing of them, or other choices, the program
is compiled in a cache of its own that begins with the copy.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

_KEPT = "kernels"  # in a run directory
_PROGRAMS = "xla"
_CHOICES = "xla_gpu_per_fusion_autotune_cache_dir"  # JAX's name, in the folder of programs


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


def _agrees(kept: Path, present: Path) -> bool:
    """Whether every kept choice is present and the same."""
    return all(
        (present / path.name).is_file() and (present / path.name).read_bytes() == path.read_bytes()
        for path in _choices(kept)
    )


def _copy_missing(source: Path, target: Path) -> None:
    for path in _choices(source):
        target.mkdir(parents=True, exist_ok=True)
        if not (target / path.name).exists():
            half_written = target / f"{path.name}.{os.getpid()}.tmp"
            shutil.copyfile(path, half_written)
            half_written.replace(target / path.name)


def _choices(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".tmp")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _choices(folder):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
