"""Launch an experiment: `python launch.py --experiment=tune2 --num_seeds=64 --run_dir=runs/tune2`; see --help."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

from absl import app, flags, logging

import experiments
from momentum_jax import cli, distributed, runtime, slurm


def _parse(argv: list[str]) -> cli.Command | cli.StudyCommand:
    try:
        command = cli.parse(argv, experiments.load, experiments.names(), flags.FLAGS, experiments.load_study)
    except ValueError as error:
        _refuse(error)
    if isinstance(command, str):
        print(command)
        sys.exit(0)
    return command


def main(command: cli.Command | cli.StudyCommand) -> None:
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend it did not find
    if isinstance(command, cli.StudyCommand):
        _carry_out(command)
    elif command.slurm.slurm:
        _write_batch_file(command)
    else:
        _train(command)


def _train(command: cli.Command) -> None:
    _start(command.config.num_devices, command.run_dir)
    from momentum_jax import progress, runner

    with _endings(), distributed.start(command.job) as job:
        run_dir = Path(job.broadcast("run_dir", str(command.run_dir)))
        say = progress.say if job.is_first else _say_nothing
        runner.train(command.config, run_dir, say, resume=command.resume, job=job)
    if job.is_first:
        _report(run_dir)


def _carry_out(command: cli.StudyCommand) -> None:
    _start(command.parts[0].config.num_devices)
    from momentum_jax import progress, runner, study

    with _endings():
        train = partial(runner.train, say=progress.say)
        study.carry_out(command.study, command.folder, command.parts, train, progress.say)


def _start(num_devices: int | None, run_dir: Path | None = None) -> None:
    """Importing gymnax starts JAX's backend, so devices are set first and the rest is imported afterwards."""
    try:
        runtime.start(num_devices, run_dir)
    except ValueError as error:
        _refuse(error)


@contextlib.contextmanager
def _endings() -> Iterator[None]:
    """The exit codes of what can end a run early: 2 refused, 1 could not write, 3 lost a process, 128 + signal."""
    from momentum_jax import runner

    try:
        yield
    except runner.REFUSALS as error:
        _refuse(error)
    except runner.WriteError as error:
        _refuse(error, exit_code=1)
    except distributed.ProcessLostError as error:
        _refuse(error, exit_code=3)
    except runner.Interrupted as stopped:
        sys.exit(stopped.exit_code)


def _write_batch_file(command: cli.Command) -> None:
    try:
        path = slurm.write_script(command.slurm, sys.argv[1:], command.run_dir, Path(__file__))
    except ValueError as error:
        _refuse(error)
    print(f"written: sbatch {path}")


def _report(run_dir: Path) -> None:
    from momentum_jax.analysis import report, terminal

    print(terminal.summary(run_dir))
    print(f"\nreport: {report.write_report(run_dir)}\nrun directory: {run_dir}")


def _say_nothing(line: str) -> None:
    """Further processes only write their logs."""


def _refuse(error: Exception, exit_code: int = 2) -> NoReturn:
    print(f"launch.py: {error}", file=sys.stderr)
    sys.exit(exit_code)


if __name__ == "__main__":
    app.run(main, flags_parser=_parse)
