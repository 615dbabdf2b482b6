"""Commands as a person can type them again, from any folder: what messages name as the way to go on."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_IN_REPOSITORY = (_ROOT / "launch.py").is_file() and (_ROOT / "pyproject.toml").is_file()


def launcher() -> list[str]:
    """The words after the interpreter that start training: the repository's launch.py, or the installed package."""
    return [str(_ROOT / "launch.py")] if _IN_REPOSITORY else ["-m", "momentum_jax", "launch"]


def resume_command(run_dir: str | Path) -> str:
    """How to go on with a run."""
    return launch_command("--resume", f"--run_dir={Path(run_dir).absolute()}")


def report_command(run_dir: str | Path) -> str:
    """How to write a run's report (again)."""
    command = shlex.join([python(), "-m", "momentum_jax.report", str(Path(run_dir).absolute())])
    return f"cd {shlex.quote(str(_ROOT))} && {command}" if _IN_REPOSITORY else command


def same_command(arguments: Sequence[str]) -> str:
    """The present command line once more, from its own folder: its relative paths mean the same there."""
    return f"cd {shlex.quote(os.getcwd())} && {launch_command(*arguments)}"


def launch_command(*arguments: str) -> str:
    """The launcher with these arguments, quoted for a shell."""
    return shlex.join([python(), *launcher(), *arguments])


def python() -> str:
    """`python` where the shell finds this interpreter by that name, else its path."""
    found = shutil.which("python")
    same = found is not None and os.path.dirname(found) == os.path.dirname(sys.executable)
    return "python" if same else sys.executable
