"""Runs a person's own Python file; what goes wrong in it is one line with the place."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from momentum_jax import moved_modules
from momentum_jax.fields import ConfigError


def run_file(path: Path, called: str) -> ModuleType:
    """Run a file and return what it defines. It may import files beside it.

    Args:
      path: the file, absolute.
      called: what errors call it, such as ``experiment='mine.py'``.

    Raises:
      ConfigError: there is no such file, or it fails.
    """
    if not path.is_file():
        raise ConfigError(f"{called}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # the name ends with .py
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{called} fails: {place_and_error(error, path)}") from error
    return module


def place_and_error(error: BaseException, path: Path) -> str:
    """The last line of the file that was running, and the error, on one line."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    remedy = moved_modules.advice(error)
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "") + (f": {remedy}" if remedy else "")
