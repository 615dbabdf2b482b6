"""What the name of an environment may look like. Imports no JAX; `env.registry` finds what it stands for."""

from __future__ import annotations

import os

MOMENTUM_NAME = "momentum"
DEFAULT_FUNCTION = "make"


def file_and_function(name: str) -> tuple[str, str] | None:
    """The file and the function that ``path/to/file.py:make`` names, or None where it names no file."""
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return path, function or DEFAULT_FUNCTION
    return (name, DEFAULT_FUNCTION) if name.endswith(".py") else None


def short_name(name: str) -> str:
    """What a run on it is called: the file's name without its folder and ending, or the name itself."""
    parts = file_and_function(name)
    return name if parts is None else parts[0].rpartition("/")[2].removesuffix(".py")


def same_environment(one: str, other: str) -> bool:
    """Whether two names may stand for the same: a file may have moved, and its content is compared later."""
    return _without_folder(one) == _without_folder(other)


def _without_folder(name: str) -> str:
    parts = file_and_function(name)
    return name if parts is None else f"{os.path.basename(parts[0])}:{parts[1]}"
