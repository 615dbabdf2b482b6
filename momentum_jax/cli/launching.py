"""From a command line to a trained run and its report, with everything that can end it early.

Exit codes: 0 done, 1 could not write, 2 refused, 3 lost a process, 4 every seed failed, 128 + signal stopped.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NoReturn, Protocol

from absl import logging

from momentum_jax import run_directory
from momentum_jax.cli import batch_file, command_line
from momentum_jax.config.experiment import Experiment
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.processes import backend_startup, distributed, interruption, invocation
from momentum_jax.study import Study, queue
from momentum_jax.training.resume import compatibility

_REFUSALS = (ConfigError, DataError, run_directory.RunDirectoryError)


class EverySeedFailedError(Exception):
    """A run went to its end and has no healthy seed; the message names it and what to change."""


class Catalog(Protocol):
    """Where experiments and studies are found: the package `experiments`."""

    def names(self) -> list[str]: ...

    def load(self, name: str) -> Experiment: ...

    def load_study(self, name: str) -> Study: ...


def launch(argv: Sequence[str], catalog: Catalog, program: Path | None = None) -> None:
    """Do what a command line asks for; ends the process with the exit code that says how it went.

    Args:
      argv: the command line with the program's name, as messages are to call it.
      catalog: the experiments.
      program: launch.py, which a batch file for Slurm is to start; the installed package where there is none.
    """
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend it did not find
    name, last_words = Path(argv[0]).name, _LastWords()
    try:
        with interruption.guard(name, last_words), _endings(name):
            command = command_line.parse(argv, catalog.load, catalog.names(), load_study=catalog.load_study)
            if isinstance(command, str):
                print(command)
            elif isinstance(command, command_line.StudyCommand):
                _carry_out(command, last_words)
            elif command.batch_file.slurm:
                path = batch_file.write_script(
                    command.batch_file, command.arguments, command.run_dir, program or invocation.launcher()
                )
                print(f"written: {shlex.join(['sbatch', str(path)])}")
            else:
                _train(command, last_words)
    except interruption.Stopped as stopped:
        print(f"{name}: {stopped.signal_name}: {last_words()}", file=sys.stderr)
        sys.exit(stopped.exit_code)


class _LastWords:
    """What is kept of the work so far and how to go on."""

    def __init__(self) -> None:
        self._tell: Callable[[], str] = lambda: "nothing has been written; the same command starts again"

    def __call__(self) -> str:
        try:
            return self._tell()
        except (run_directory.RunDirectoryError, OSError) as error:
            return str(error)

    def are_of_run(self, run_dir: Path, go_on: str | None = None) -> None:
        self._tell = partial(compatibility.what_is_kept, run_dir, go_on or invocation.resume_command(run_dir))

    def are(self, line: str) -> None:
        self._tell = lambda: line


def _train(command: command_line.Command, last_words: _LastWords) -> None:
    runner = _start(command.config.num_devices, command.run_dir)
    from momentum_jax.training import progress

    with distributed.start(command.job) as job:
        run_dir = Path(job.broadcast("run_dir", str(command.run_dir)))
        if command.resume or not run_dir.exists():
            last_words.are_of_run(run_dir)
        say = progress.say if job.is_first else _say_nothing
        runner.train(command.config, run_dir, say, resume=command.resume, job=job)
    if job.is_first:
        _report(run_dir)
        _check_healthy([run_dir])


def _carry_out(command: command_line.StudyCommand, last_words: _LastWords) -> None:
    # On a GPU the part that goes on needs the kernels that it was begun with; those after it take them, too.
    runner = _start(command.parts[0].config.num_devices, queue.begun_run(command.parts))
    from momentum_jax.training import progress

    again = invocation.same_command(command.arguments)
    last_words.are(f"what is written in {command.folder} is kept; go on with: {again}")
    train = partial(runner.train, say=progress.say, go_on=again)
    queue.carry_out(command.study, command.folder, command.parts, train, progress.say)
    _check_healthy([part.run_dir for part in command.parts])


def _start(num_devices: int | None, run_dir: Path | None = None) -> ModuleType:
    """Start JAX and import what trains; in this order, for importing gymnax starts JAX's backend.

    Raises:
      ConfigError: JAX does not start here, as with JAX_PLATFORMS=cuda and no GPU.
    """
    try:
        backend_startup.start(num_devices, run_dir)
        import jax

        jax.local_devices()
    except (RuntimeError, ValueError, AssertionError) as error:  # JAX asserts that a platform asked for is there
        found = " ".join(str(error).split()) or "its platform is not there"
        settings = " ".join(f"{name}={value}" for name, value in os.environ.items() if name.startswith("JAX_"))
        raise ConfigError(f"JAX does not start ({found}): look at {settings or 'its installation'}") from None
    from momentum_jax.training import runner

    return runner


@contextlib.contextmanager
def _endings(program: str) -> Iterator[None]:
    """One line and an exit code for all that can end a run early, signals apart."""
    try:
        yield
    except _REFUSALS as error:
        _refuse(program, error, 2)
    except compatibility.WriteError as error:
        _refuse(program, error, 1)
    except distributed.ProcessLostError as error:
        _refuse(program, error, 3)
    except EverySeedFailedError as error:
        _refuse(program, error, 4)
    except interruption.Interrupted as stopped:
        sys.exit(stopped.exit_code)


def _report(run_dir: Path) -> None:
    from momentum_jax.analysis.report import build, terminal

    try:
        print(terminal.summary(run_dir))
        print(f"\nreport: {build.write_report(run_dir)}\nrun directory: {run_dir}")
    except OSError as error:
        reason = f"{error.filename or run_dir}: {error.strerror or error}"
        again = invocation.report_command(run_dir)
        raise compatibility.WriteError(
            f"{reason}; the run is finished, its report is not: see to that, then {again}"
        ) from error


def _check_healthy(run_dirs: Sequence[Path]) -> None:
    """Raises EverySeedFailedError for the runs that have nothing but failed seeds."""
    failed = [str(run_dir) for run_dir in run_dirs if run_directory.failed_seeds(run_dir).all()]
    if failed:
        raise EverySeedFailedError(
            f"every seed of every arm has failed in {', '.join(failed)}: log.txt there says when, and whether it was a "
            "reward; otherwise lower learning_rate, or raise divergence_limit where rewards are that large"
        )


def _say_nothing(line: str) -> None:
    """Further processes only write their logs."""


def _refuse(program: str, error: Exception, exit_code: int) -> NoReturn:
    print(f"{program}: {error}", file=sys.stderr)
    sys.exit(exit_code)
