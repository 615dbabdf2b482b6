"""A file's bytes, unpacked, and what they are, by their first bytes and not by the file's name."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from momentum_jax.fields import ConfigError

_UNPACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
    b"\x28\xb5\x2f\xfd": lambda packed: pa.input_stream(io.BytesIO(packed), compression="zstd").read(),
}
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
_ARCHIVE = b"PK\x03\x04"
_KINDS = {
    b"\x93NUMPY": "npy",
    b"PAR1": "parquet",
    b"CDF": "netcdf",
    b"\x89HDF\r\n\x1a\n": "netcdf",
}
_OTHER = {
    b"\x80\x02": "a pickle, which is never opened since it can run any program: save arrays with numpy.savez",
    b"\x80\x03": "a pickle, which is never opened since it can run any program: save arrays with numpy.savez",
    b"\x80\x04": "a pickle, which is never opened since it can run any program: save arrays with numpy.savez",
    b"\x80\x05": "a pickle, which is never opened since it can run any program: save arrays with numpy.savez",
    b"{": "JSON: save it as CSV, e.g. by pandas.read_json(FILE, lines=True).to_csv('runs.csv', index=False)",
    b"[": "JSON: save it as CSV, e.g. by pandas.read_json(FILE).to_csv('runs.csv', index=False)",
    b"%PDF": "a PDF: give the numbers that it shows as CSV",
    b"\x89PNG": "a picture: give the numbers that it shows as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save its sheet as CSV",
    b"SQLite format 3": "an SQLite database: export its table as CSV",
}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
EXPECTED = "a table (CSV, Parquet), arrays (npz, npy, NetCDF), TensorBoard events, or a folder of runs"


def unpacked(path: Path) -> bytes:
    """The file's bytes, decompressed where it is gzip, bzip2, xz, zstd or a zip of one table.

    Raises:
        ConfigError: it is not there, is empty, or ends before its time.
    """
    try:
        content = path.read_bytes()
        while True:
            opener = next((opener for magic, opener in _UNPACKED.items() if content.startswith(magic)), None)
            if opener is None:
                break
            content = opener(content)
        if content.startswith(_ARCHIVE) and not _is_arrays(content):
            content = _only_member(path, content)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file or folder, expected {EXPECTED}: check the path") from None
    except PermissionError:
        raise ConfigError(f"{path}: may not be read by this user: change its permissions or copy it") from None
    except _DAMAGED as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"{path}: cannot be unpacked ({why}), expected a whole file: copy it again") from None
    if not content.strip():
        raise ConfigError(f"{path}: the file is empty, expected {EXPECTED}")
    return content


def kind_of(path: Path, content: bytes) -> str:
    """``npz``, ``npy``, ``parquet``, ``netcdf``, ``events`` or ``text``.

    Raises:
        ConfigError: it is none of these.
    """
    if content.startswith(_ARCHIVE):
        return "npz"
    known = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), None)
    if known:
        return known
    if ".tfevents." in path.name:
        return "events"
    other = next((words for magic, words in _OTHER.items() if content.startswith(magic)), None)
    if other:
        raise ConfigError(f"{path}: is {other}")
    return "text"


def decoded(path: Path, content: bytes) -> str:
    """The text, from UTF-8 or from UTF-16 with its mark.

    Raises:
        ConfigError: the bytes are no text.
    """
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if _is_binary(content.decode("latin-1")):
            raise ConfigError(f"{path}: found bytes that are no text, expected {EXPECTED}") from None
        raise ConfigError(
            f"{path}: byte {error.start + 1} is not {error.encoding.upper()}, expected a table in UTF-8: save it so, "
            f"e.g. by iconv -f latin1 -t utf-8"
        ) from None
    if _is_binary(text):
        raise ConfigError(f"{path}: found bytes that are no text, expected {EXPECTED}")
    return text


def _is_binary(text: str) -> bool:
    head = text[:4096]
    control = sum(not (char.isprintable() or char in "\t\r\n") and ord(char) < 160 for char in head)
    return "\x00" in head or control > 0.01 * len(head)


def _is_arrays(archive: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        return any(name.endswith(".npy") for name in members.namelist())


def _only_member(path: Path, archive: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        names = [name for name in members.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if any(name.startswith("xl/") for name in names):
            raise ConfigError(f"{path}: is an Excel workbook: save its sheet as CSV")
        if len(names) != 1:
            raise ConfigError(f"{path}: holds {len(names)} files, expected one table: unpack it and name them")
        return members.read(names[0])
