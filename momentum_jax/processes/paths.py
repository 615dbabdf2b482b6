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


def output_file(text: str, name: str, suffix: str = "") -> Path:
    """The path of a file that is going to be written, checked before the work that makes its content.

    Raises:
      ConfigError: as `user_path`; it has another suffix, is a folder, or no file can be written there.
    """
    path = user_path(text, name)
    try:
        if path.is_dir():
            raise ConfigError(f"{name}={text}: is a folder: name a file in it")
        if suffix and path.suffix.lower() != suffix:
            raise ConfigError(f"{name}={text}: is written as {suffix[1:].upper()}: let its name end in {suffix}")
        if not path.parent.is_dir():
            raise ConfigError(f"{name}={text}: no folder {path.parent}: make it first, or write elsewhere")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise ConfigError(f"{name}={text}: may not be written by this user: write elsewhere")
    except OSError as error:
        raise ConfigError(f"{name}={text}: cannot be written ({error.strerror}): write elsewhere") from None
    return path


def named_run(name: str) -> Path:
    """The folder of the run `name` in runs/.

    Raises:
      ConfigError: the name leads out of runs/, or is none.
    """
    parts = PurePath(name).parts
    if not name.strip() or name.startswith(("/", "~")) or ".." in parts or not parts or not name.isprintable():
        raise ConfigError(f"model_name={name!r} is no name of a folder in {RUNS}/: give a path by --run_dir instead")
    return RUNS / name
