"""The text encoding of a file: what its first bytes say, and what to declare where they say nothing."""

import codecs
from pathlib import Path

from momentum_jax.market.files.file_contents import head_bytes

_HEAD = 512
_SAMPLE_BYTES = 16_384
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHERS = ("cp1252", "latin-1")  # latin-1 gives every byte a meaning
_MOST_CONTROL_BYTES = 0.01  # of a text
_MOST_NO_LETTERS = 0.1  # of the characters of a text: marks of direction, or what a system has no picture for
_WHITE = b"\t\n\r\f"


def encoding_of(path: Path, declared: str = "") -> str:
    """The declared encoding, or the one that the file's first bytes say: UTF-16 by its mark, else UTF-8."""
    if declared:
        return declared
    return "utf-16" if _is_marked_utf16(head_bytes(path, _HEAD)) else "utf-8-sig"


def silent_utf16(head: bytes) -> str | None:
    """The UTF-16 encoding of bytes without a mark: every other byte of a table's text is 0; None for other bytes."""
    for encoding, high in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if high.count(0) > 0.9 * len(high):
            return encoding
    return None


def is_text(head: bytes) -> bool:
    """Whether bytes are text in some encoding: few of them are control characters."""
    if _is_marked_utf16(head) or silent_utf16(head):
        return True
    return sum(byte < 32 and byte not in _WHITE for byte in head) <= _MOST_CONTROL_BYTES * len(head)


def likely_text(path: Path, declared: str) -> tuple[str, str]:
    """The encoding to declare for a file (empty for what is recognised without), and the text that it begins with.

    Raises:
        DataError: the file cannot be opened.
    """
    head = head_bytes(path, _SAMPLE_BYTES)
    marked = _is_marked_utf16(head)
    recognised = "" if marked else silent_utf16(head) or ""
    for encoding in ([declared] if declared else []) + [recognised, _OTHERS[0]]:
        text = head.decode(encoding or ("utf-16" if marked else "utf-8-sig"), errors="replace")
        if text.count("\N{REPLACEMENT CHARACTER}") <= 1:  # the last character may be cut off
            return encoding, text
    return _OTHERS[-1], head.decode(_OTHERS[-1])


def encoding_remedy(path: Path, declared: str, flag: str, error: UnicodeError) -> str:
    """What to do about a text that is not of its declared encoding, or of UTF-8 where none is declared."""
    broken = getattr(error, "object", None)
    found = broken if isinstance(broken, bytes) else head_bytes(path, _SAMPLE_BYTES)
    if not is_text(found):
        return "it holds bytes that are no text; give a CSV"
    if declared and (_is_marked_utf16(found) or _decodes(found, "utf-8-sig")):
        return f"leave {flag} out"
    silent = silent_utf16(head_bytes(path, _SAMPLE_BYTES))
    if silent not in (None, declared):
        return f"declare its own, --{flag}={silent}"
    other = next(name for name in _OTHERS if name != declared and (name == _OTHERS[-1] or _decodes(found, name)))
    return f"declare its own, e.g. --{flag}={other}"


def _is_marked_utf16(head: bytes) -> bool:
    """Whether bytes begin with UTF-16's mark and go on as text in any language.

    A table in any language has delimiters, digits or ends of lines, which no text of single bytes that happens to begin
    with the mark's two holds as pairs of a character and a zero.
    """
    if not head.startswith(_UTF16_MARKS):
        return False
    try:
        text = codecs.getincrementaldecoder("utf-16")().decode(head)  # the last character may be cut off
    except UnicodeError:
        return False
    strange = sum(not (char.isprintable() or char.isspace()) for char in text)
    return any(char.isascii() for char in text) and strange <= _MOST_NO_LETTERS * len(text)


def _decodes(found: bytes, encoding: str) -> bool:
    try:
        found.decode(encoding)
    except UnicodeError:
        return False
    return True
