"""Runs Python files that are no modules of this package: the shipped experiments, and a person's own.

What goes wrong in a person's file, or in a folder's `__init__.py`, is one line with the place.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from momentum_jax import moved_modules
from momentum_jax.fields import ConfigError

T = TypeVar("T")

SHIPPED = "momentum_jax.experiments"
"""The package of experiments that is shipped, under one name wherever it lies."""


def shipped() -> ModuleType:
    """The package of experiments, under the same name wherever it lies: users' own files import from it.

    An installation has it inside this package; the repository beside it. It is looked for by place: a finder of
    another copy, which is installed as an editable one, would answer to the name too.
    """
    if SHIPPED in sys.modules:
        return sys.modules[SHIPPED]
    package = Path(__file__).resolve().parents[1]
    if (package / "experiments").is_dir():
        return importlib.import_module(SHIPPED)
    module = unrun_module(SHIPPED, package.parent / "experiments" / "__init__.py")
    sys.modules[SHIPPED] = module
    assert module.__spec__ is not None and module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
    return module


def run_file(path: Path, called: str) -> ModuleType:
    """Run a file, or a folder's `__init__.py`, and return what it defines.

    It may import what lies beside it, and a folder its own files by relative imports.

    Args:
      path: the file or folder, absolute.
      called: what errors call it, such as ``experiment='mine.py'``.

    Raises:
      ConfigError: there is no such file, or it fails.
    """
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        missing = f"that folder has no {file.name}" if path.is_dir() else "there is no such file"
        raise ConfigError(f"{called}: {missing}")
    module = unrun_module(path.stem, file)
    loader = module.__spec__.loader if module.__spec__ is not None else None
    assert loader is not None  # the name ends with .py
    sys.path.append(str(path.parent))
    if path.is_dir():
        _register(module)

    def execute() -> None:
        try:
            loader.exec_module(module)
        except ConfigError as error:
            raise ConfigError(f"{called}{place(error, path)}: {error}") from error

    in_one_line(execute, f"{called} fails", path)
    return module


def run_submodule(package: ModuleType, name: str, called: str) -> ModuleType | None:
    """A module of a package, None where there is none.

    Args:
      package: any module; one that is no package has none.
      name: of the file, without its end.
      called: what errors call the package.

    Raises:
      ConfigError: it fails.
    """
    full = f"{package.__name__}.{name}"
    if not hasattr(package, "__path__") or importlib.util.find_spec(full) is None:
        return None
    folder = Path(package.__path__[0])
    return in_one_line(lambda: importlib.import_module(full), f"{called}: {folder / name}.py fails", folder)


def unrun_module(name: str, file: Path) -> ModuleType:
    """A module that has not been run yet; that of a folder's `__init__.py` is a package."""
    folder = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folder)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def in_one_line(run: Callable[[], T], front: str, root: Path) -> T:
    """Run a person's own code; whatever goes wrong in it becomes one line.

    Args:
      run: the code.
      front: how the line begins.
      root: the file, or the folder of the files, whose last line that was running is named.

    Raises:
      ConfigError: as `run` raised it, or for anything else that it raised.
    """
    try:
        return run()
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{front}: {place_and_error(error, root)}") from error


def place_and_error(error: BaseException, root: Path) -> str:
    """The last line of the file, or of the folder's files, that was running, and the error, on one line."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    remedy = moved_modules.advice(error)
    return f"{type(error).__name__}: {' '.join(text.split())}{place(error, root)}" + (f": {remedy}" if remedy else "")


def place(error: BaseException, root: Path) -> str:
    """Which line of the file, or of the folder's files, was running, as `` (line 3)``; nothing where none was."""
    file, line = (error.filename or "", error.lineno) if isinstance(error, SyntaxError) else ("", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if not isinstance(error, SyntaxError) and root in (Path(frame.filename), *Path(frame.filename).parents):
            file, line = frame.filename, frame.lineno
    inside = f"{Path(file).name} " if root.is_dir() and file else ""
    return f" ({inside}line {line})" if line else ""


def _register(package: ModuleType) -> None:
    """Let a package's relative imports find it, and nothing of another folder of the same name."""
    name = package.__name__
    for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[known]
    sys.modules[name] = package
