"""Launch an experiment: `python launch.py --experiment=tune2 --num_seeds=64 --run_dir=runs/tune2`; see --help."""

from __future__ import annotations

import sys
from functools import partial
from typing import NoReturn

from absl import app, flags, logging

import experiments
from momentum_jax import cli, runtime


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
    config = command.parts[0].config if isinstance(command, cli.StudyCommand) else command.config
    # Importing gymnax starts JAX's backend, so devices are set first and the rest is imported afterwards.
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend it did not find
    runtime.start(config.num_devices)
    from momentum_jax import runner, study
    from momentum_jax.analysis import report, terminal
    from momentum_jax.progress import say

    try:
        if isinstance(command, cli.StudyCommand):
            study.carry_out(command.study, command.folder, command.parts, partial(runner.train, say=say), say)
            return
        runner.train(command.config, command.run_dir, say, resume=command.resume)
    except runner.REFUSALS as error:
        _refuse(error)
    except runner.WriteError as error:
        _refuse(error, exit_code=1)
    except runner.Interrupted as stopped:
        sys.exit(stopped.exit_code)
    print(terminal.summary(command.run_dir))
    print(f"\nreport: {report.write_report(command.run_dir)}\nrun directory: {command.run_dir}")


def _refuse(error: Exception, exit_code: int = 2) -> NoReturn:
    print(f"launch.py: {error}", file=sys.stderr)
    sys.exit(exit_code)


if __name__ == "__main__":
    app.run(main, flags_parser=_parse)
