"""A terminal that may go away: output that nobody can read any more never ends a run. Standard library alone.

A run says what it does on stdout and stderr and keeps the same lines in its log. A reader that closes its pipe, a
terminal that is lost, a terminal that knows ASCII alone: none of these is a reason to stop.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import unicodedata
from typing import Any, TextIO

_ERRORS = "momentum_jax.plain"
_PLAIN = {"×": "x", "−": "-", "–": "-", "…": "...", "→": "->", "≥": ">=", "≤": "<=", "±": "+-", "Δ": "d", "·": "."}


class LastingStream:
    """A text stream whose writes never fail: what cannot be written is dropped, with all that follows."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._give_up()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """Let the stream's file descriptor lead nowhere, also for libraries that write to it themselves."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def protect() -> None:
    """Let sys.stdout and sys.stderr outlive their readers, for the rest of this process."""
    _open_closed_descriptors()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed when this process began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (lives as long as the process)
        elif not isinstance(stream, LastingStream):
            setattr(sys, name, LastingStream(stream))


def say_at_once(line: str) -> None:
    """Write a line to stderr from a signal handler, which may have interrupted another write."""
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode("ascii", _ERRORS))


def _open_closed_descriptors() -> None:
    """Without this the first result file would be given the number of a closed stdout and receive its lines."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that a terminal does not have."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_plain_character, error.object[error.start : error.end])), error.end


def _plain_character(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return _PLAIN.get(character) or (base if base.isascii() else "?")


codecs.register_error(_ERRORS, _plain)
