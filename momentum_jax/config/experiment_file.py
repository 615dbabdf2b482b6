"""Where experiments come from: those that are shipped, and a user's own file that defines EXPERIMENT or STUDY."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from momentum_jax.processes import paths
from momentum_jax.processes.python_file import run_file

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
    shipped()
    return run_file(path, f"{flag}={name!r}")
