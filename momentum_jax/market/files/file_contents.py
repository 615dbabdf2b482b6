"""The bytes of a person's file: found, unpacked by its first bytes and not by its name, or refused in one line."""

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from momentum_jax.market.errors import DataError


class _Packing(NamedTuple):
    mark: bytes  # that the file begins with
    suffix: str
    opener: Callable[[Path], Any]


_PACKINGS = (
    _Packing(b"\x1f\x8b", ".gz", gzip.open),
    _Packing(b"BZh", ".bz2", bz2.open),
    _Packing(b"\xfd7zXZ\x00", ".xz", lzma.open),
    _Packing(b"\x28\xb5\x2f\xfd", ".zst", lambda path: pa.input_stream(str(path), compression="zstd")),
)
_ZIP = ".zip"
# How the names of files end that a folder is searched for, by the kind that the format declares.
SUFFIXES = {
    "csv": (
        *(text + packed for text in (".csv", ".tsv", ".txt") for packed in ("", *(p.suffix for p in _PACKINGS), _ZIP)),
        _ZIP,
    ),
    "parquet": (".parquet", ".pq"),
}
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06")  # a zip, and one that holds nothing
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_PARQUET = b"PAR1"
_TAR = (b"ustar", 257)  # the mark and its place
_EXCEL = "an Excel file: save its sheet as CSV"
_NO_TABLES = {
    b"\xd0\xcf\x11\xe0": _EXCEL,
    b"ARROW1": "an Arrow or Feather file: save it as Parquet",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file: save its table as Parquet or CSV",
    b"SQLite format 3": "an SQLite database: export its table as CSV",
    b"%PDF": "a PDF: give a table as CSV",
    b"\x89PNG": "a picture: give a table as CSV",
    b"<!doctype": "a web page, such as a service's refusal: download the table again",
    b"<html": "a web page, such as a service's refusal: download the table again",
    b"<table": "a web page, as some programs name .xls: save its table as CSV",
    b"<?xml": "XML, as some programs name .xls: save its table as CSV",
}
_JSON = re.compile(rb"\{\s*[\"}]|\[\s*[\[{\"\]]")  # an object or a list, on one line or indented
_HEAD = 512


def expand_home(path: str | Path) -> Path:
    """The path with `~` replaced by the home folder; settings are also checked, see `processes.paths.user_path`."""
    return Path(os.path.expanduser(path))


def check_file(path: Path) -> None:
    """Raises DataError unless the path is that of a file; whether it can be read shows when it is opened."""
    with refusals(path):
        if path.is_dir():
            raise DataError(f"{path}: is a folder: name one file in it")
        if not path.is_file():
            raise DataError(f"{path}: no such file: check the path")


def is_file(path: Path) -> bool:
    """Whether the path is known to be that of a file."""
    try:
        check_file(path)
    except DataError:
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether the path is that of a folder; DataError where that cannot be known."""
    with refusals(path):
        return path.is_dir()


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does."""
    with refusals(path), path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a text, unpacked where they are gzip, bzip2, xz, zstd or a zip of one table.

    Raises:
        DataError: it may not be read, is damaged, or is something else than text. Damage that only shows in reading is
            refused too.
    """
    with contextlib.ExitStack() as open_files, refusals(path):
        file = io.BufferedReader(_unpacked(path, open_files))
        _refuse_no_table(path, file.peek(_HEAD)[:_HEAD])
        yield file


def head_bytes(path: Path, size: int) -> bytes:
    """The first bytes, unpacked; DataError as `opened`."""
    with opened(path) as file:
        return file.read(size)


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """What the operating system or a decompressor says, as one line with a remedy."""
    try:
        yield
    except PermissionError:
        raise DataError(f"{path}: may not be read by this user: change its permissions or copy it") from None
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path}: cannot be opened ({error.strerror}): check the path") from None
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be unpacked ({why}): the file is damaged, fetch or copy it again") from None


def _unpacked(path: Path, open_files: contextlib.ExitStack) -> Any:
    plain = open_files.enter_context(path.open("rb"))
    head = plain.read(8)
    plain.seek(0)
    if head.startswith(_ARCHIVES):
        return _only_member(path, open_files)
    opener = next((packing.opener for packing in _PACKINGS if head.startswith(packing.mark)), None)
    return plain if opener is None else open_files.enter_context(opener(path))


def _only_member(path: Path, open_files: contextlib.ExitStack) -> Any:
    archive = open_files.enter_context(zipfile.ZipFile(path))
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if any(name.startswith("xl/") for name in names):
        raise DataError(f"{path}: is {_EXCEL}")
    if len(names) != 1:
        raise DataError(f"{path}: holds {len(names)} files, expected one table: unpack it and name a file or a folder")
    try:
        return open_files.enter_context(archive.open(names[0]))
    except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that Python lacks
        raise DataError(f"{path}: cannot be unpacked ({error}): unpack it yourself") from None


def _refuse_no_table(path: Path, head: bytes) -> None:
    mark, place = _TAR
    if head[place:].startswith(mark):
        raise DataError(f"{path}: is a tar archive: unpack it and name a file or a folder")
    plain = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for start, what in _NO_TABLES.items():
        if head.startswith(start) or plain.startswith(start):
            raise DataError(f"{path}: is {what}")
    if _JSON.match(plain):
        raise DataError(f"{path}: is JSON, such as a service's answer or refusal: save or download its table as CSV")
