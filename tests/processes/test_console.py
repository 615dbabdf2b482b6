"""A terminal that goes away or knows few characters; the progress bar is for terminals alone."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys

import pytest

from momentum_jax.processes import console, interruption
from momentum_jax.processes.console import LastingStream
from momentum_jax.training.progress import Progress
from tests.conftest import ROOT


def test_characters_that_a_terminal_lacks_are_written_plainly():
    raw = io.BytesIO()
    stream = LastingStream(io.TextIOWrapper(raw, encoding="ascii"))
    stream.write("2 arm(s) × 3 − 1…4, 5 → é \N{SNOWMAN}\udcff\n")
    stream.flush()
    assert raw.getvalue() == b"2 arm(s) x 3 - 1...4, 5 -> e ??\n"


def test_a_pipe_without_a_reader_takes_what_is_written_from_then_on():
    reading, writing = os.pipe()
    os.close(reading)
    stream = LastingStream(os.fdopen(writing, "w"))
    for _ in range(3):
        assert stream.write("x" * 100_000) == 100_000
        stream.flush()
    assert os.write(stream.fileno(), b"of a library") == 12  # leads nowhere, and so raises nothing
    stream.close()


@pytest.mark.parametrize("error", [OSError(errno.EIO, "lost terminal"), ValueError("closed file")])
def test_a_stream_that_fails_never_raises(error):
    class Broken(io.StringIO):
        def write(self, text):
            raise error

        def flush(self):
            raise error

    stream = LastingStream(Broken())
    assert stream.write("a") == 1
    stream.flush()


def test_output_that_was_closed_before_the_start_leaves_no_descriptor_to_a_result_file():
    program = (
        "import os, sys; from momentum_jax.processes import console; console.protect(); print('lost'); "
        "os._exit(os.open('/dev/null', os.O_RDONLY))"
    )
    line = f'{sys.executable} -c "{program}" >&- 2>&-'
    assert subprocess.run(["bash", "-c", line], cwd=ROOT).returncode > 2


def test_a_line_from_a_signal_handler_is_written_at_once(capfd):
    console.say_at_once("3 × 2")
    assert capfd.readouterr().err == "3 x 2\n"


class Screen(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (False, True), (True, False)])
def test_a_progress_bar_is_drawn_on_terminals_alone(monkeypatch, terminal, shown):
    screen = Screen(terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    Progress(num_runs=2, total_steps=100, shown=shown).close()
    assert ("training" in screen.getvalue()) is (terminal and shown)


def test_a_program_that_a_signal_ends_costs_one_line(monkeypatch, capfd):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # put back afterwards
    assert interruption.run_program("momentum_jax.report", lambda: 7) == 7
    assert interruption.run_program("momentum_jax.report", lambda: os.kill(os.getpid(), signal.SIGINT) or 0) == 130
    words = "momentum_jax.report: SIGINT: stopped; what is written is whole, and the same command starts again\n"
    assert capfd.readouterr().err == words
