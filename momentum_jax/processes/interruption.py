"""Ctrl-C, SIGTERM and a lost terminal. Standard library alone, so that it works while everything else is loading.

While a run trains, the first signal asks for a stop at the next update's end, which saves (`stop_request`). At any
other time a signal ends the work at once, by `Stopped` (`guard`); whoever started the work says what is kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from momentum_jax.processes import console

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOST_TERMINAL = (signal.SIGHUP,)


class Interrupted(Exception):  # noqa: N818 (not an error: what was asked for was done)
    """A run was stopped by a signal and saved; the message says where it stands and how to go on."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = exit_code(signal_number)


class Stopped(KeyboardInterrupt):
    """A signal ended the work at once. No `except Exception` of a library takes it for an error of its own."""

    def __init__(self, signal_number: int):
        super().__init__()
        self.signal_name = signal.Signals(signal_number).name
        self.exit_code = exit_code(signal_number)


class StopRequest:
    """Which signal has asked for a stop, if any."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __bool__(self) -> bool:
        return self.signal_number is not None

    def receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self and number == signal.SIGINT:
            raise Stopped(number)
        self.signal_number = number
        name = signal.Signals(number).name
        console.say_at_once(f"\n{name}: finishing this update, then saving (Ctrl-C again: stop at once)")


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Catches SIGINT and SIGTERM while the block runs. Elsewhere than in the main thread nothing is caught."""
    request = StopRequest()
    with _handled(request.receive):
        yield request


@contextlib.contextmanager
def guard(program: str, last_words: Callable[[], str]) -> Iterator[None]:
    """Let SIGINT and SIGTERM raise `Stopped` in the block, and a lost terminal (SIGHUP) do nothing.

    Where the exception gets lost, as in a library's callback, the second signal ends the process, with a line.

    Args:
      program: begins that line.
      last_words: what is kept and how to go on; asked for when it is needed.
    """
    requested = StopRequest()

    def receive(number: int, frame: FrameType | None) -> None:
        del frame
        if requested:
            console.say_at_once(f"{program}: {signal.Signals(number).name}: {last_words()}")
            os._exit(exit_code(number))
        requested.signal_number = number
        raise Stopped(number)

    with _handled(receive), _handled(signal.SIG_IGN, _LOST_TERMINAL):
        yield


def run_program(program: str, main: Callable[[], int]) -> int:
    """Run a small program, whose output may find no reader; its exit code, also after a signal, which costs one line.

    For programs whose files are each written whole or not at all, so that they can simply be started again.
    """
    console.protect()
    last_words = "stopped; what is written is whole, and the same command starts again"
    try:
        with guard(program, lambda: last_words):
            return main()
    except Stopped as stopped:
        console.say_at_once(f"{program}: {stopped.signal_name}: {last_words}")
        return stopped.exit_code


def end_at_once_on_signals(line: str) -> None:
    """Until `guard` takes over, SIGINT and SIGTERM write `line` and end the process, for nothing has been begun.

    Exceptions would not do: while modules are loading, a signal's exception turns into errors of theirs.
    """

    def receive(number: int, frame: FrameType | None) -> None:
        del frame
        console.say_at_once(f"{line} ({signal.Signals(number).name})")
        os._exit(exit_code(number))

    for number in _SIGNALS:
        signal.signal(number, receive)


def end_silently_on_signals() -> None:
    """Let SIGINT and SIGTERM end the process as the system does: all is said, it only has to leave."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def exit_code(signal_number: int) -> int:
    """What a shell reports of a process that a signal ended."""
    return 128 + signal_number


@contextlib.contextmanager
def _handled(receive: Any, numbers: Sequence[signal.Signals] = _SIGNALS) -> Iterator[None]:
    """Let `receive`, a handler as `signal.signal` takes it, have these signals in the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, receive) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
