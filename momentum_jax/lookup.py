"""Parts that a setting names: by a short name in a table, or by their place, `package.module:name` or `file.py:name`.

Imports no JAX, and nothing that a table names before it is used.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from momentum_jax.fields import ConfigError, nearest


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


@functools.cache
def _load(setting: str, place: str) -> Any:
    file, _, attribute = place.partition(":")
    try:
        module = _run_file(_path(file)) if file.endswith(".py") else importlib.import_module(file)
    except Exception as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{setting}={place!r} fails: {type(error).__name__}: {text}") from error
    if not hasattr(module, attribute):
        raise ConfigError(f"{setting}={place!r}: {file} does not define {attribute}")
    return getattr(module, attribute)


def _run_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # the name ends with .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _path(file: str) -> Path:
    return Path(file).expanduser().absolute()
