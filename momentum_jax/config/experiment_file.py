"""Where experiments come from: those that are shipped, and a user's own file or folder with EXPERIMENT or STUDY."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from momentum_jax import moved_modules
from momentum_jax.fields import ConfigError
from momentum_jax.processes import paths

_SHIPPED = "momentum_jax.experiments"
_PAGE = "page"
T = TypeVar("T")


def shipped() -> ModuleType:
    """The package of experiments, under the same name wherever it lies: users' own files import from it.

    An installation has it inside this package; the repository beside it.
    """
    if importlib.util.find_spec(_SHIPPED) is not None:
        return importlib.import_module(_SHIPPED)
    folder = Path(__file__).resolve().parents[2] / "experiments"
    module = _module_of(_SHIPPED, folder / "__init__.py")
    sys.modules[_SHIPPED] = module
    assert module.__spec__ is not None and module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
    return module


def is_file_name(name: str) -> bool:
    """Whether a name of an experiment is that of a file, or of a folder: it ends with .py or has a slash."""
    return name.endswith(".py") or os.sep in name


def load_file(name: str, flag: str) -> ModuleType:
    """Run a file, or a folder's `__init__.py`, and return what it defines.

    It may import what lies beside it, and `momentum_jax.experiments`; a folder's own files by relative imports.

    Args:
      name: its path; `~` is the home folder.
      flag: the flag that names it, for errors.

    Raises:
      ConfigError: there is no such file, or it fails, in one line with the place.
    """
    path = paths.user_path(name, flag).absolute()
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        missing = f"that folder has no {file.name}" if path.is_dir() else "there is no such file"
        raise ConfigError(f"{flag}={name!r}: {missing}")
    module = _module_of(path.stem, file)
    shipped()
    sys.path.append(str(path.parent))
    loader = module.__spec__.loader if module.__spec__ is not None else None
    assert loader is not None  # the name ends with .py
    if path.is_dir():
        _register(module)
    in_one_line(lambda: loader.exec_module(module), f"{flag}={name!r} fails", path)
    return module


def page_module(module: ModuleType, flag: str) -> ModuleType:
    """Where a study's page is declared: `page.py` in its folder, else the study's own module.

    Raises:
      ConfigError: that file fails, in one line with the place.
    """
    name = f"{module.__name__}.{_PAGE}"
    if not hasattr(module, "__path__") or importlib.util.find_spec(name) is None:
        return module
    folder = Path(module.__path__[0])
    return in_one_line(lambda: importlib.import_module(name), f"{flag}: {folder / _PAGE}.py fails", folder)


def in_one_line(run: Callable[[], T], front: str, root: Path) -> T:
    """Run a user's own code; whatever goes wrong in it becomes one line.

    Args:
      run: the code.
      front: how the line begins.
      root: the file, or the folder of the files, whose last line that was running is named.

    Raises:
      ConfigError: `run` raised something else than one.
    """
    try:
        return run()
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{front}: {_where(error, root)}") from error


def _module_of(name: str, file: Path) -> ModuleType:
    """A module that has not been run yet; that of a folder's `__init__.py` is a package."""
    folder = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folder)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _register(package: ModuleType) -> None:
    """Let a package's relative imports find it, and nothing of another folder of the same name."""
    name = package.__name__
    for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[known]
    sys.modules[name] = package


def _where(error: BaseException, root: Path) -> str:
    """The last line of the user's own code that was running, and the error, on one line."""
    file, line, text = "", None, str(error)
    if isinstance(error, SyntaxError):
        file, line, text = error.filename or "", error.lineno, error.msg
    for frame in traceback.extract_tb(error.__traceback__):
        if not isinstance(error, SyntaxError) and root in (Path(frame.filename), *Path(frame.filename).parents):
            file, line = frame.filename, frame.lineno
    inside = f"{Path(file).name} " if root.is_dir() and file else ""
    place = f" ({inside}line {line})" if line else ""
    remedy = moved_modules.advice(error)
    return f"{type(error).__name__}: {' '.join(text.split())}{place}" + (f": {remedy}" if remedy else "")
