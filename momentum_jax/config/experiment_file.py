"""Where experiments come from: those that are shipped, and a user's own file that defines EXPERIMENT or STUDY."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from momentum_jax import moved_modules
from momentum_jax.fields import ConfigError
from momentum_jax.processes import paths

_SHIPPED = "momentum_jax.experiments"


def shipped() -> ModuleType:
    """The package of experiments, under the same name wherever it lies: users' own files import from it.

    An installation has it inside this package; the repository beside it.
    """
    if importlib.util.find_spec(_SHIPPED) is not None:
        return importlib.import_module(_SHIPPED)
    folder = Path(__file__).resolve().parents[2] / "experiments"
    spec = importlib.util.spec_from_file_location(
        _SHIPPED, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_SHIPPED] = module
    spec.loader.exec_module(module)
    return module


def is_file_name(name: str) -> bool:
    """Whether a name of an experiment is that of a file."""
    return name.endswith(".py")


def load_file(name: str, flag: str) -> ModuleType:
    """Run a file and return what it defines. It may import files beside it, and `momentum_jax.experiments`.

    Args:
      name: its path; `~` is the home folder.
      flag: the flag that names it, for errors.

    Raises:
      ConfigError: there is no such file, or it fails, in one line with the place.
    """
    path = paths.user_path(name, flag).absolute()
    if not path.is_file():
        raise ConfigError(f"{flag}={name!r}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # the name ends with .py
    module = importlib.util.module_from_spec(spec)
    shipped()
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{flag}={name!r} fails: {_where(error, str(path))}") from error
    return module


def _where(error: BaseException, path: str) -> str:
    """The last line of the file that was running, and the error, on one line."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    remedy = moved_modules.advice(error)
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "") + (f": {remedy}" if remedy else "")
