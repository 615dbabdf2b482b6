"""Ctrl-C and SIGTERM: the first asks for a stop at the next update's end, a second Ctrl-C stops at once."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupted(Exception):  # noqa: N818 (not an error: what was asked for was done)
    """A run was stopped by a signal and saved; the message says where it stands and how to go on."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number


class StopRequest:
    """Which signal has asked for a stop, if any."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __bool__(self) -> bool:
        return self.signal_number is not None

    def receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number
        name = signal.Signals(number).name
        print(f"\n{name}: finishing this update, then saving (Ctrl-C again: stop at once)", file=sys.stderr)


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Catches SIGINT and SIGTERM while the block runs. Elsewhere than in the main thread nothing is caught."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
