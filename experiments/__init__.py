"""Experiments and studies, found by the name of their file or folder.

A module that defines an `EXPERIMENT` is one run. One that defines a `STUDY` is several, its parts, each of which is
an experiment too: `early_dip.dose`. A study is a folder where it has more to say than its parts: its page's tables and
figures, templates, and what was published of the runs that it repeats.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from momentum_jax.config import Experiment
from momentum_jax.config.experiment_file import is_file_name, load_file
from momentum_jax.fields import ConfigError, unknown
from momentum_jax.study import Study

if TYPE_CHECKING:  # launching an experiment needs no analysis
    from momentum_jax.analysis.claims.published import Published


def names() -> list[str]:
    """The experiments and studies there are, without the studies' parts."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def published() -> list[Published]:
    """What the studies' modules `published` declare as `PUBLISHED`: numbers and claims of runs that they repeat."""
    studies = sorted(file.parent.name for folder in __path__ for file in Path(folder).glob("*/published.py"))
    return [importlib.import_module(f"{__name__}.{study}.published").PUBLISHED for study in studies]


def load(name: str) -> Experiment:
    """An experiment by its file's name, a part of a study by `<study>.<part>`, or that of a file anywhere.

    Raises:
      ConfigError: there is no such experiment.
    """
    file, _, part = name.partition(".")
    if part and not is_file_name(name) and file in names():
        return load_study(file).part(part)
    module = _module("experiment", name)
    if isinstance(getattr(module, "EXPERIMENT", None), Experiment):
        return module.EXPERIMENT
    if isinstance(getattr(module, "STUDY", None), Study):
        parts = ", ".join(part.name for part in module.STUDY.parts)
        raise ConfigError(f"experiment={name!r} is a study: use --study={name}, or one of its parts: {parts}")
    raise _empty(module)


def load_study(name: str) -> Study:
    """A study by its file's name, or that of a file anywhere.

    Raises:
      ConfigError: there is no such study.
    """
    module = _module("study", name)
    if isinstance(getattr(module, "STUDY", None), Study):
        return module.STUDY
    if isinstance(getattr(module, "EXPERIMENT", None), Experiment):
        raise ConfigError(f"{name!r} is one run and has no parts: use --experiment={name}")
    raise _empty(module)


def _module(kind: str, name: str) -> ModuleType:
    if is_file_name(name):
        return load_file(name, kind)
    if name not in names():
        raise unknown(kind, name, names())
    return importlib.import_module(f"{__name__}.{name}")


def _empty(module: ModuleType) -> ConfigError:
    return ConfigError(
        f"{module.__file__} defines neither EXPERIMENT, one run, nor STUDY, several: see experiments/tune2.py"
    )
