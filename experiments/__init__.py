"""One small file per study: it builds the study's arms and nothing else. `load` finds a study by its file's name."""

from __future__ import annotations

import importlib
import pkgutil

from momentum_jax.config import Experiment
from momentum_jax.fields import ConfigError


def names() -> list[str]:
    """The studies there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Experiment:
    """A study by its file's name.

    Raises:
      ConfigError: there is no such study.
    """
    if name not in names():
        raise ConfigError(f"experiment={name!r} is unknown: choose one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}").EXPERIMENT
