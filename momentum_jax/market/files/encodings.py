"""The text encoding of a file, by its byte-order mark."""

import bz2
import codecs
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_HEAD = 128
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def encoding_of(path: Path, declared: str = "") -> str:
    """The declared encoding, or the one that the file's first bytes say: UTF-16 by its mark, else UTF-8."""
    if declared:
        return declared
    head = head_bytes(path, _HEAD)
    return "utf-16" if head.startswith(_UTF16_MARKS) and silent_utf16(head[2:]) else "utf-8-sig"


def silent_utf16(head: bytes) -> str | None:
    """The UTF-16 encoding of bytes without a mark: every other byte of a table's text is 0; None for other bytes."""
    for encoding, high in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if high.count(0) > 0.9 * len(high):
            return encoding
    return None


def head_bytes(path: Path, size: int) -> bytes:
    """The first bytes of a plain, gzipped, zipped, bzip2 or xz file."""
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            return file.read(size)
    with openers.get(suffix, open)(path, "rb") as file:
        return file.read(size)
