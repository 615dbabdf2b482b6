"""Runs tests on copies of the project, each in a forked process that has imported nothing of it yet.

Third-party modules take seconds to import. They are imported once here; what is forked has them, while the project's
own modules are imported anew from the copy. JAX's backend must not start before the fork: its threads would be lost.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

COPIED = ("momentum_jax", "experiments", "benchmarks", "tests", "launch.py", "pyproject.toml")
_LINKED = "docs"  # the studies' records, 50 MB that tests only read
_PRELOADED = (
    "jax",
    "optax",
    "flax.struct",
    "hypothesis",
    "pandas",
    "pytest",
    "scipy.stats",
    "xarray",
    "statsmodels.api",
)
_HERE = Path(__file__).parents[2]  # the project that this program belongs to
# Enough for the slowest named test on a busy machine.
_LIMIT_SECONDS = 300
_FORK = multiprocessing.get_context("fork")


class Outcome(NamedTuple):
    """What pytest found in one copy."""

    failed: frozenset[str]  # node ids
    passed: frozenset[str]
    problem: str  # why the tests could not be run; else empty
    seconds: float


class Task(NamedTuple):
    """Tests to run on a copy of the project, in which `change` has been made."""

    label: Any
    tests: tuple[str, ...]
    change: Callable[[Path], None]


def preload() -> None:
    """Import third-party modules before forking."""
    # With threads of its own OpenBLAS cannot be forked, and they would compete with the other processes.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in _PRELOADED:
        importlib.import_module(name)


def run(root: Path, tasks: Iterable[Task], jobs: int, deadline: float) -> Iterator[tuple[Task, Outcome]]:
    """Run tasks side by side, each in a copy and a process of its own.

    None starts after `deadline`, in seconds of `time.monotonic`.
    """
    waiting, running = iter(tasks), []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        while True:
            while len(running) < jobs and time.monotonic() < deadline and (task := next(waiting, None)):
                running.append(_Run(root, Path(folder), task))
            if not running:
                return
            multiprocessing.connection.wait([each.pipe for each in running], timeout=1.0)
            for each in [each for each in running if each.is_done()]:
                running.remove(each)
                yield each.task, each.outcome()


class _Run:
    """A task at work."""

    def __init__(self, root: Path, folder: Path, task: Task):
        self.task = task
        self._copy = Path(tempfile.mkdtemp(dir=folder)) / "project"
        _copy(root, self._copy)
        task.change(self._copy)
        self.pipe, writer = _FORK.Pipe(duplex=False)
        self._started = time.monotonic()
        self._process = _FORK.Process(target=_child, args=(self._copy, root, task.tests, writer))
        self._process.start()
        writer.close()

    def is_done(self) -> bool:
        return self.pipe.poll() or time.monotonic() - self._started > _LIMIT_SECONDS

    def outcome(self) -> Outcome:
        """What the process sent; ends it."""
        nothing: frozenset[str] = frozenset()
        try:
            found = self.pipe.recv() if self.pipe.poll() else (nothing, nothing, f"took over {_LIMIT_SECONDS} s")
        except EOFError:
            found = nothing, nothing, "the process died"
        # The tests may have started processes of their own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.join()
        shutil.rmtree(self._copy.parent)
        return Outcome(*found, seconds=time.monotonic() - self._started)


def _copy(root: Path, copy: Path) -> None:
    copy.mkdir()
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, copy / name)
    (copy / _LINKED).symlink_to(root / _LINKED, target_is_directory=True)


class _Collector:
    """pytest's reports by outcome."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self.ran: set[str] = set()
        self.problem = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.ran.add(report.nodeid)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.problem = str(report.longrepr).strip().splitlines()[-1]


def _child(copy: Path, root: Path, tests: Sequence[str], writer: Any) -> None:
    """Become a process that has never seen the project, run the tests on the copy, and send what was found."""
    os.setsid()
    os.chdir(copy)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # a stale .pyc of equal size and second would hide a mutation
    os.environ.setdefault("MOMENTUM_JAX_CACHE", str(root / ".cache"))
    os.environ.pop("GOLDEN_DIR", None)  # the records that are shipped, as where there are no others
    sys.dont_write_bytecode = True
    sys.path[:] = [str(copy), *(path for path in sys.path if Path(path) not in (Path(), root, _HERE))]
    for name in [name for name in sys.modules if name.partition(".")[0] in COPIED]:
        del sys.modules[name]
    _silence()
    import hypothesis
    import pytest

    # The same examples each time: a mutation that is killed stays killed.
    hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("repeatable")
    collector = _Collector()
    code = pytest.main([*tests, "-q", "-p", "no:cacheprovider"], plugins=[collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not collector.problem:
        collector.problem = f"pytest ended with {code.name if isinstance(code, pytest.ExitCode) else code}"
    writer.send((frozenset(collector.failed), frozenset(collector.ran - collector.failed), collector.problem))
    writer.close()
    os._exit(0)


def _silence() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
