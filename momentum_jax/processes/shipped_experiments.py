"""The package of experiments that is shipped, under one name wherever it lies."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from momentum_jax.processes.python_file import unrun_module

PACKAGE = "momentum_jax.experiments"


def shipped() -> ModuleType:
    """The package of experiments, under the same name wherever it lies: users' own files import from it.

    An installation has it inside this package; the repository beside it.
    """
    if importlib.util.find_spec(PACKAGE) is not None:
        return importlib.import_module(PACKAGE)
    module = unrun_module(PACKAGE, Path(__file__).resolve().parents[2] / "experiments" / "__init__.py")
    sys.modules[PACKAGE] = module
    assert module.__spec__ is not None and module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
    return module
