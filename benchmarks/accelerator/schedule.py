"""Runs the parts as processes under time limits: which beside each other, until when, and what becomes of the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from benchmarks.accelerator.setting import Part

_LEAST = 15.0  # seconds: a part is not begun with less than this left


class Process(Protocol):
    """A part that runs."""

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""

    def stop(self) -> None:
        """End it at once, and what it has started."""


class Clock(NamedTuple):
    now: Callable[[], float] = time.perf_counter  # seconds
    sleep: Callable[[float], None] = time.sleep


class Ending(NamedTuple):
    how: str  # "done", or what came instead
    seconds: float


def batches(parts: Sequence[Part]) -> list[list[Part]]:
    """What runs at the same time: a part that is timed alone; those that are not beside each other."""
    result: list[list[Part]] = []
    for part in parts:
        if result and not part.timed and not result[-1][-1].timed:
            result[-1].append(part)
        else:
            result.append([part])
    return result


class Schedule:
    """Parts in their order, each under its own limit and all under a common one.

    Args:
      start: begins a part.
      ended: called whenever one has ended or was left out, with its ending: writes what there is.
      patience: factor of the limits.
      clock: of the limits.
    """

    def __init__(
        self,
        start: Callable[[Part], Process],
        ended: Callable[[Part, Ending], None],
        patience: float = 1.0,
        clock: Clock | None = None,
    ):
        self._start, self._ended = start, ended
        self._patience, self._clock = patience, clock or Clock()

    def run(self, parts: Sequence[Part], deadline: float) -> None:
        """Run the parts, until `deadline` on the clock. An interruption ends those that run, and says so of them."""
        for batch in batches(parts):
            if deadline - self._clock.now() < _LEAST:
                for part in batch:
                    self._ended(part, Ending("not begun: the time for all parts was over", 0.0))
            else:
                self._run_batch(batch, deadline)

    def _run_batch(self, batch: Sequence[Part], deadline: float) -> None:
        begun = self._clock.now()
        running = {part: self._start(part) for part in batch}
        try:
            while running:
                self._take_out_ended(running, begun, deadline)
                self._clock.sleep(0.2)
        finally:
            for part, process in running.items():
                process.stop()
                self._ended(part, Ending("interrupted", self._clock.now() - begun))

    def _take_out_ended(self, running: dict[Part, Process], begun: float, deadline: float) -> None:
        for part, process in list(running.items()):
            how = self._how(process, min(begun + part.seconds * self._patience, deadline))
            if how:
                del running[part]
                self._ended(part, Ending(how, self._clock.now() - begun))

    def _how(self, process: Process, limit: float) -> str:
        """How a part has ended; "" while it may go on."""
        status = process.poll()
        if status is not None:
            return "done" if status == 0 else f"failed with status {status}"
        if self._clock.now() <= limit:
            return ""
        process.stop()
        return "stopped at its time limit"
