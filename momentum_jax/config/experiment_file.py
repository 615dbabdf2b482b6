"""Where experiments come from: those that are shipped, and a user's own file or folder with EXPERIMENT or STUDY."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from momentum_jax.processes import paths
from momentum_jax.processes.python_file import run_file, run_submodule, unrun_module

_SHIPPED = "momentum_jax.experiments"


def shipped() -> ModuleType:
    """The package of experiments, under the same name wherever it lies: users' own files import from it.

    An installation has it inside this package; the repository beside it.
    """
    if importlib.util.find_spec(_SHIPPED) is not None:
        return importlib.import_module(_SHIPPED)
    module = unrun_module(_SHIPPED, Path(__file__).resolve().parents[2] / "experiments" / "__init__.py")
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
    shipped()
    return run_file(path, f"{flag}={name!r}")


def page_module(module: ModuleType, called: str) -> ModuleType:
    """Where a study's page is declared: `page.py` in its folder, else the study's own module.

    Args:
      module: the study's.
      called: what errors call it, such as ``study='mine'``.

    Raises:
      ConfigError: that file fails, in one line with the place.
    """
    return run_submodule(module, "page", called) or module
