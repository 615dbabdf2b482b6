"""The command `momentum-jax`, also `python -m momentum_jax`. Standard library alone until it is known what is asked."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from momentum_jax.processes import console, interruption
from momentum_jax.version import __version__

COMMANDS = {
    "launch": "train an experiment or a study, and report on it",
    "report": "report on finished or running runs, judge claims, export",
    "dips": "look for early dips in anybody's curves: CSV, npz, TensorBoard, Stable-Baselines3, W&B",
    "evaluate": "judge a finished run's policies on days that it was not trained on",
    "market": "look at bars and VIX files before anything is trained on them",
    "study": "make a study's page from its condensed runs",
}
_MODULES = {
    "report": "momentum_jax.cli.report_command",
    "dips": "momentum_jax.cli.dips_command",
    "evaluate": "momentum_jax.cli.evaluate_command",
    "market": "momentum_jax.cli.market_command",
    "study": "momentum_jax.cli.study_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one of `COMMANDS`; returns the exit code, 2 where there is no such command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else ""
    if name in ("-h", "--help"):
        print(_help_text())
        return 0
    if name == "--version":
        print(f"momentum_jax {__version__}")
        return 0
    if name not in COMMANDS:
        found = f"{name!r} is no command" if name else "a command is missing"
        print(f"momentum-jax: {found}: choose one of {', '.join(COMMANDS)}, or see --help", file=sys.stderr)
        return 2
    if name == "launch":
        launch(["momentum-jax launch", *words[1:]])
        return 0
    return importlib.import_module(_MODULES[name]).main(words[1:])


def launch(argv: Sequence[str]) -> None:
    """Train what a command line asks for; ends the process where something else than the end of training ends it.

    Args:
      argv: the program's name and its flags.
    """
    console.protect()
    interruption.end_at_once_on_signals(f"{argv[0]}: stopped before anything was begun; the same command starts again")
    # Imported now: loading all this takes most of a second, in which Ctrl-C may come, too.
    from momentum_jax.cli import launching
    from momentum_jax.config import experiment_file

    try:
        launching.launch(argv, experiment_file.shipped())
    finally:
        interruption.end_silently_on_signals()


def _help_text() -> str:
    lines = ["momentum-jax COMMAND …: is this training dip real?", ""]
    lines += [f"  {name:<8} {text}" for name, text in COMMANDS.items()]
    return "\n".join([*lines, "", "momentum-jax COMMAND --help shows the flags of a command."])
