"""Names in a run directory, whole-file writes, and archives read without pickle."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Item = TypeVar("Item")

CONFIG_NAME = "config.json"
DIAGNOSTICS_NAME = "diagnostics"
POLICIES_NAME = "policies"
STATE_NAME = "state"
LOCK_NAME = "lock"
LOG_NAME = "log"


class RunDirectoryError(ValueError):
    """A run directory cannot be created, written or read; one line that names the file."""


@dataclasses.dataclass(frozen=True)
class Share:
    """One process's part of a run: consecutive seeds of every arm, in files of its own."""

    index: int = 0
    count: int = 1

    @property
    def suffix(self) -> str:
        """What its files are named by: nothing for a whole run, else ``.0of2``."""
        return "" if self.count == 1 else f".{self.index}of{self.count}"

    def of(self, seeds: Sequence[Item]) -> Sequence[Item]:
        """Its seeds; the sizes of all shares differ by one at most."""
        return seeds[self.index * len(seeds) // self.count : (self.index + 1) * len(seeds) // self.count]


WHOLE = Share()


def checkpoint_path(run_dir: Path, env_steps: int, share: Share = WHOLE) -> Path:
    """Where the checkpoint at `env_steps` lies."""
    return run_dir / DIAGNOSTICS_NAME / f"step_{env_steps:08d}{share.suffix}.npz"


def policy_path(run_dir: Path, arm: str, share: Share = WHOLE) -> Path:
    """Where the final policies of `arm` lie."""
    return run_dir / POLICIES_NAME / f"final_{arm}{share.suffix}.npz"


def log_path(run_dir: Path, share: Share = WHOLE) -> Path:
    """Where the log lies: log.txt, beside it those of further processes."""
    return run_dir / f"{LOG_NAME}{share.suffix if share.index else ''}.txt"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, so that `path` holds either all of it or what it held before.

    The folder is made where it is missing. A process killed half-way leaves only a file
    ending in ``.tmp``, which no reader looks at.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_atomic(path: Path, data: bytes) -> None:
    """Writes `data` as an `atomic_file`."""
    with atomic_file(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Makes a rename durable; not every system can open a folder, and there it is skipped."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Rows(NamedTuple):
    """An array that comes row by row, so that it need not be held whole."""

    shape: tuple[int, ...]
    dtype: np.dtype
    rows: Iterable[Array]


def write_arrays(path: Path, arrays: Mapping[str, Array | Rows], compressed: bool = True) -> None:
    """Writes named arrays as one .npz, whole or not at all.

    Uncompressed, `read_row` finds a row without reading those before it; weights hardly get smaller anyway.

    Raises:
        RunDirectoryError: an array would have to be pickled.
    """
    for name, value in arrays.items():
        if value.dtype.hasobject:
            raise RunDirectoryError(f"{path}: array {name!r} has dtype {value.dtype}, expected numbers")
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", method) as archive:
        for name, value in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                _write_array(entry, value)


def _write_array(entry: IO[bytes], value: Array | Rows) -> None:
    if not isinstance(value, Rows):
        np.lib.format.write_array(entry, value, allow_pickle=False)
        return
    descr = np.lib.format.dtype_to_descr(value.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": value.shape}
    np.lib.format.write_array_header_1_0(entry, header)
    for row in value.rows:
        entry.write(np.ascontiguousarray(row, value.dtype).tobytes())


def read_arrays(path: Path) -> dict[str, Array]:
    """Reads every array of an .npz.

    Raises:
        RunDirectoryError: the file is missing, cut short, damaged, pickled or no archive.
    """
    with _explained(path):
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise RunDirectoryError(f"{path}: a single array, expected an .npz archive")
        with archive:
            return {name: archive[name] for name in archive.files}


def read_row(path: Path, index: int) -> dict[str, Array]:
    """Reads row `index` of every array of an .npz; of an uncompressed one, nothing else.

    Raises:
        RunDirectoryError: the file is missing, cut short, damaged, pickled or no archive.
    """
    with _explained(path), zipfile.ZipFile(path) as archive, path.open("rb") as file:
        return {
            info.filename.removesuffix(".npy"): _read_row(archive, info, file, index) for info in archive.infolist()
        }


def _read_row(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: IO[bytes], index: int) -> Array:
    with contextlib.ExitStack() as opened:
        if info.compress_type == zipfile.ZIP_STORED:
            member = file
            # A member's data follow its own header: 30 bytes, a name and an extra field of these lengths.
            file.seek(info.header_offset + 26)
            file.seek(info.header_offset + 30 + sum(struct.unpack("<HH", file.read(4))))
        else:
            member = opened.enter_context(archive.open(info))
        np.lib.format.read_magic(member)
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype.hasobject or fortran_order or not 0 <= index < (shape or (0,))[0]:
            raise ValueError(f"{info.filename} is {dtype} {shape}, without a row {index}")
        size = dtype.itemsize * math.prod(shape[1:])
        member.seek(member.tell() + index * size)
        return np.frombuffer(member.read(size), dtype).reshape(shape[1:])


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong in reading an archive into one line that names it."""
    try:
        yield
    except RunDirectoryError:
        raise
    except FileNotFoundError:
        raise RunDirectoryError(f"{path}: not found") from None
    except (OSError, EOFError, ValueError, KeyError, struct.error, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RunDirectoryError(
            f"{path}: cut short or damaged ({reason}); remove it and resume the run, or copy it again"
        ) from error
