"""Paths as a person writes them: `~` is a home folder, and names of runs stay inside their folder."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from momentum_jax.fields import ConfigError

RUNS = Path("runs")


def user_path(text: str, name: str = "path") -> Path:
    """The path with `~` and `~user` replaced. Shells do so only at the beginning of a word, not after `--run_dir=`.

    Raises:
      ConfigError: it is empty, holds a character that cannot be printed, or names a home folder that is not known.
    """
    if not text.strip() or not text.isprintable():
        raise ConfigError(f"{name}={text!r} is no path that can be printed: give another, or leave {name} out")
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        raise ConfigError(f"{name}={text!r}: no home folder of {text.split('/')[0]} is known: write the path in full")
    return Path(expanded)


def named_run(name: str) -> Path:
    """The folder of the run `name` in runs/.

    Raises:
      ConfigError: the name leads out of runs/, or is none.
    """
    parts = PurePath(name).parts
    if not name.strip() or name.startswith(("/", "~")) or ".." in parts or not parts or not name.isprintable():
        raise ConfigError(f"model_name={name!r} is no name of a folder in {RUNS}/: give a path by --run_dir instead")
    return RUNS / name
