"""Experiments and studies, found by the name of their file or folder.

A module that defines an `EXPERIMENT` is one run. One that defines a `STUDY` is several, its parts, each of which is
an experiment too: `early_dip.dose`; it may define an `EXPERIMENT` of the same name beside it. A study is a folder where
it has more to say than its parts: its page's tables and figures, templates, and what was published of the runs that it
repeats.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from momentum_jax.config import Experiment
from momentum_jax.config.experiment_file import is_file_name, load_file, page_module, with_its_files
from momentum_jax.fields import ConfigError, nearest, unknown
from momentum_jax.study import Study, part_name

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
    """An experiment by its module's name, a part of a study by `<study>.<part>`, or that of a file or folder anywhere.

    Raises:
      ConfigError: there is no such experiment.
    """
    study, _, part = name.partition(".")
    if part and not is_file_name(name) and study in names():
        return load_study(study).part(part)
    module = _module("experiment", name)
    if isinstance(getattr(module, "EXPERIMENT", None), Experiment):
        return with_its_files(module.EXPERIMENT, module)
    if isinstance(getattr(module, "STUDY", None), Study):
        raise ConfigError(f"experiment={name!r} is a study: use --study={name}{_parts_of(name, module.STUDY)}")
    raise _empty(module)


def load_study(name: str) -> Study:
    """A study by its module's name, or that of a file or folder anywhere.

    Raises:
      ConfigError: there is no such study.
    """
    return _with_its_files(_study_module(name))


def load_page(name: str) -> tuple[Study, ModuleType]:
    """A study and the module that declares its page; see `momentum_jax.analysis.pages.page_declaration`.

    Raises:
      ConfigError: there is no such study, or the module fails.
    """
    module = _study_module(name)
    return _with_its_files(module), page_module(module, f"study={name!r}")


def _study_module(name: str) -> ModuleType:
    module = _module("study", name)
    if isinstance(getattr(module, "STUDY", None), Study):
        return module
    if isinstance(getattr(module, "EXPERIMENT", None), Experiment):
        raise ConfigError(f"{name!r} is one run and has no parts: use --experiment={name}")
    raise _empty(module)


def _with_its_files(module: ModuleType) -> Study:
    study: Study = module.STUDY
    return dataclasses.replace(study, parts=tuple(with_its_files(part, module) for part in study.parts))


def _parts_of(name: str, study: Study) -> str:
    """How some of a study's parts are asked for; those of a user's own have no names as experiments."""
    if is_file_name(name):
        return f", with --parts for some of {', '.join(part_name(part) for part in study.parts)}"
    return f", or one of its parts: {', '.join(part.name for part in study.parts)}"


def _module(kind: str, name: str) -> ModuleType:
    if is_file_name(name):
        return load_file(name, kind)
    if name not in names():
        if name and (Path(name) / "__init__.py").is_file():
            raise ConfigError(f"{kind}={name!r} is unknown: a folder of your own has a slash, --{kind}=./{name}")
        raise _unknown(kind, name)
    return importlib.import_module(f"{__name__}.{name}")


def _unknown(kind: str, name: str) -> ConfigError:
    """The error of a name that is no experiment, or no study; only those of its kind are offered."""
    modules = {known: importlib.import_module(f"{__name__}.{known}") for known in names()}
    by_kind = {
        kind: [known for known, module in modules.items() if isinstance(getattr(module, attribute, None), declared)]
        for kind, attribute, declared in (("experiment", "EXPERIMENT", Experiment), ("study", "STUDY", Study))
    }
    other = "study" if kind == "experiment" else "experiment"
    meant = difflib.get_close_matches(name, by_kind[other], n=1)
    if not meant or nearest(name, by_kind[kind]):
        return unknown(kind, name, by_kind[kind])
    return ConfigError(f"{unknown(kind, name, by_kind[kind])}; did you mean --{other}={meant[0]}?")


def _empty(module: ModuleType) -> ConfigError:
    return ConfigError(
        f"{module.__file__} defines neither EXPERIMENT, one run, nor STUDY, several: see experiments/tune2.py"
    )
