"""Commands as a person can type them again, from any folder: what messages name as the way to go on."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

_LAUNCHER = Path(__file__).resolve().parents[1] / "launch.py"


def resume_command(run_dir: str | Path) -> str:
    """How to go on with a run."""
    return launch_command("--resume", f"--run_dir={Path(run_dir).absolute()}")


def report_command(run_dir: str | Path) -> str:
    """How to write a run's report (again). Works from the folder of launch.py and where the package is installed."""
    return f"cd {shlex.quote(str(_LAUNCHER.parent))} && " + shlex.join(
        [python(), "-m", "momentum_jax.report", str(Path(run_dir).absolute())]
    )


def same_command(arguments: Sequence[str]) -> str:
    """The present command line once more, from its own folder: its relative paths mean the same there."""
    return f"cd {shlex.quote(os.getcwd())} && {launch_command(*arguments)}"


def launch_command(*arguments: str) -> str:
    """launch.py with these arguments, quoted for a shell."""
    return shlex.join([python(), str(_LAUNCHER), *arguments])


def python() -> str:
    """`python` where the shell finds this interpreter by that name, else its path."""
    found = shutil.which("python")
    same = found is not None and os.path.dirname(found) == os.path.dirname(sys.executable)
    return "python" if same else sys.executable
