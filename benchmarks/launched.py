"""Runs of launch.py as its users start them, watched from outside: what they print and when, and what they take."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    seconds: float  # since the command
    text: str


class Launch:
    """A run that has been started. Use as a context: leaving it ends the process.

    Args:
      arguments: flags of launch.py.
      environment: variables to add.
      interpreter_flags: flags of Python itself.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        interpreter_flags: Sequence[str] = (),
    ):
        self.lines: list[Line] = []
        self.errors: list[str] = []
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-u", *interpreter_flags, "launch.py", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._readers = [threading.Thread(target=self._read_lines), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.wait()

    @property
    def seconds(self) -> float:
        """Since the command."""
        return time.perf_counter() - self._started

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        """Wait for the end; returns the exit status."""
        for reader in self._readers:
            reader.join()
        return self._process.wait()

    def peak_megabytes(self) -> float:
        """Wait for the end and return the largest resident size.

        Raises:
          RuntimeError: the run failed; with its last line.
        """
        for reader in self._readers:
            reader.join()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise RuntimeError(f"launch.py ended with status {self._process.returncode}: {self.last_error()}")
        return usage.ru_maxrss * 1024 / 1e6

    def last_error(self) -> str:
        return next((line for line in reversed(self.errors) if line.strip()), "no message")

    def _read_lines(self) -> None:
        assert self._process.stdout
        for text in self._process.stdout:
            self.lines.append(Line(self.seconds, text.rstrip()))

    def _read_errors(self) -> None:
        assert self._process.stderr
        self.errors.extend(self._process.stderr)


def checkpoint_file(run_dir: Path, env_steps: int) -> Path:
    """Where a run writes a checkpoint."""
    return run_dir / "diagnostics" / f"step_{env_steps:08d}.npz"
