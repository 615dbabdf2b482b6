"""Rates of rivals measured alternately in one run, each in processes of its own.

A worker warms up, says so, and then times one stretch of training whenever it is asked; between two requests it
waits idle. So each side has the XLA flags, threads and packages that are best for it, and all meet the same machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

_PREFIX = "worker: "  # libraries print too


class WorkerError(RuntimeError):
    """A worker ended before it answered."""


def serve(timed_stretch: Callable[[], int], **facts: Any) -> None:
    """A worker's loop: report `facts`, then run `timed_stretch`, which returns environment steps, on each request."""
    print(_PREFIX + json.dumps(facts), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        steps = timed_stretch()
        print(_PREFIX + json.dumps({"steps": steps, "seconds": time.perf_counter() - started}), flush=True)


class Side(NamedTuple):
    """One side of a contest: `copies` processes of a command that work at the same time."""

    name: str
    command: Sequence[str]
    copies: int = 1
    environment: Mapping[str, str] = {}


class Worker:
    """The parent's end of one process."""

    def __init__(self, side: Side):
        self._name = side.name
        self._process = subprocess.Popen(
            side.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **side.environment},
        )

    def ask(self) -> None:
        """Request one timed stretch."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for what the worker reports.

        Raises:
          WorkerError: it ended instead; its own error is on the screen.
        """
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith(_PREFIX):
                return json.loads(line.removeprefix(_PREFIX))
        raise WorkerError(f"{self._name}: the worker ended with status {self._process.wait()}: see its message above")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Result(NamedTuple):
    rates: pd.DataFrame  # environment steps a second: a row each round, a column each side
    facts: dict[str, list[dict[str, Any]]]  # what each side's workers said of themselves


def play(sides: Sequence[Side], rounds: int) -> Result:
    """Warm all sides up one after the other, then time them in turns.

    Raises:
      WorkerError: a worker ended before it answered.
    """
    workers: dict[str, list[Worker]] = {}
    try:
        facts = {}
        for side in sides:
            print(f"warming up: {side.name}", file=sys.stderr)
            workers[side.name] = [Worker(side) for _ in range(side.copies)]
            facts[side.name] = [worker.answer() for worker in workers[side.name]]
        rates = []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            rates.append({name: _rate(team) for name, team in workers.items()})
    finally:
        for team in workers.values():
            for worker in team:
                worker.stop()
    return Result(pd.DataFrame(rates), facts)


def _rate(team: Sequence[Worker]) -> float:
    """Steps a second of workers side by side: each one's own rate, added up."""
    for worker in team:
        worker.ask()
    answers = [worker.answer() for worker in team]
    return float(sum(answer["steps"] / answer["seconds"] for answer in answers))


def summary(rates: pd.DataFrame, ours: str) -> pd.DataFrame:
    """Medians over rounds, and the median of the rounds' ratios of `ours` to each side."""
    ratios = (1 / rates).mul(rates[ours], axis=0)
    return pd.DataFrame(
        {
            "side": rates.columns,
            "steps/s": rates.median().to_numpy(),
            "slowest": rates.min().to_numpy(),
            "fastest": rates.max().to_numpy(),
            "ours is faster by": np.round(ratios.median().to_numpy(), 2),
        }
    )
