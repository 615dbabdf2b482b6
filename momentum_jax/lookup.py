"""Parts that a setting names: by a short name in a table, or by their place, `package.module:name` or `file.py:name`.

Imports no JAX, and nothing that a table names before it is used.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from momentum_jax.fields import ConfigError, nearest
from momentum_jax.processes import python_file
from momentum_jax.processes.python_file import SHIPPED, in_one_line, shipped


def check(setting: str, name: str, table: Mapping[str, str]) -> None:
    """Refuse a name that is neither in the table nor a place.

    Raises:
      ConfigError: with the names there are.
    """
    if name in table:
        return
    file, colon, attribute = name.partition(":")
    if not (colon and file and attribute.isidentifier()):
        raise ConfigError(
            f"{setting}={name!r} is unknown: choose one of {', '.join(table)}, or name your own as "
            f"path/to/file.py:name or package.module:name{nearest(name, table)}"
        )
    if file.endswith(".py") and not _path(file).is_file():
        raise ConfigError(f"{setting}={name!r}: there is no file {file}")


def load(setting: str, name: str, table: Mapping[str, str]) -> Any:
    """What a name stands for; the same object every time.

    Args:
      setting: the setting that has the name, for errors.
      name: in the table, or a place.
      table: places by name.

    Raises:
      ConfigError: it is not there, or its file fails; in one line.
    """
    check(setting, name, table)
    return _load(setting, table.get(name, name))


def make(
    setting: str,
    name: str,
    table: Mapping[str, str],
    settings: Mapping[str, Any],
    optional: Sequence[str] = (),
    by_name: Sequence[str] = (),
) -> Any:
    """What the function or class makes that a name stands for, called with keyword arguments.

    Args:
      setting, name, table: as for `load`.
      settings: the arguments.
      optional: names of those that are left out where it does not take them.
      by_name: names of those that it gets only where its signature names them: what takes any by `**` may hand them
        on to something that does not take them.

    Raises:
      ConfigError: it takes others, or fails; in one line, with the place in its file.
    """
    maker = load(setting, name, table)
    if not callable(maker):
        raise ConfigError(f"{setting}={name} is a {type(maker).__name__}, expected a function or a class")
    signature = inspect.signature(maker)
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    wanted = (*by_name, *(() if takes_any else optional))
    left_out = {each for each in wanted if each not in signature.parameters}
    given = {each: value for each, value in settings.items() if each not in left_out}
    try:
        signature.bind(**given)
    except TypeError as error:
        raise ConfigError(
            f"{setting}={name} cannot be called with {', '.join(settings)}: {error}: use these argument names, "
            "and give all others a default"
        ) from None
    return in_one_line(lambda: maker(**given), f"{setting}={name} fails", source(name, table))


def source(name: str, table: Mapping[str, str]) -> Path:
    """The file of a person's own part, or the folder of its package, whose lines errors name."""
    file = table.get(name, name).partition(":")[0]
    if file.endswith(".py"):
        return _path(file)
    return Path(importlib.import_module(file).__file__ or "").parent


def in_full(name: str) -> str:
    """The name with its file's whole path, so that it stands for the same in any folder."""
    file, _, attribute = name.partition(":")
    return f"{_path(file)}:{attribute}" if file.endswith(".py") else name


def beside(name: str, folders: Sequence[Path]) -> str:
    """The name with its file's place where a relative path leads to it from one of the folders, the first that has it.

    A file of the shipped experiments is named as their module, which is the same on every machine.
    """
    file, _, attribute = name.partition(":")
    path = file_beside(file, folders)
    if path is None:
        return name
    root = Path(shipped().__path__[0]).resolve()
    if path.is_relative_to(root):
        return ".".join([SHIPPED, *path.relative_to(root).with_suffix("").parts]) + f":{attribute}"
    return f"{path}:{attribute}"


def file_beside(file: str, folders: Sequence[Path]) -> Path | None:
    """Where a relative path of a Python file leads to from the first of the folders that has it, or None."""
    if not file.endswith(".py") or file.startswith("~") or Path(file).is_absolute():
        return None
    path = next((folder / file for folder in folders if (folder / file).is_file()), None)
    return None if path is None else path.resolve()


@functools.cache
def _load(setting: str, place: str) -> Any:
    file, _, attribute = place.partition(":")
    called = f"{setting}={place!r}"
    module = python_file.run_file(_path(file), called) if file.endswith(".py") else _imported(file, called)
    if not hasattr(module, attribute):
        raise ConfigError(f"{called}: {file} does not define {attribute}")
    return getattr(module, attribute)


def _imported(name: str, called: str) -> ModuleType:
    if name.startswith(f"{SHIPPED}."):
        shipped()  # lies beside this package where it is not installed
    try:
        return importlib.import_module(name)
    except Exception as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{called} fails: {type(error).__name__}: {text}") from error


def _path(file: str) -> Path:
    return Path(file).expanduser().absolute()
