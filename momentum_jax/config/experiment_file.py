"""Where experiments come from: those that are shipped, and a user's own file or folder with EXPERIMENT or STUDY."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from momentum_jax import lookup
from momentum_jax.config.arms import Arm
from momentum_jax.config.experiment import Experiment
from momentum_jax.env.environment_names import file_and_function
from momentum_jax.processes import paths
from momentum_jax.processes.python_file import run_file, run_submodule, shipped

__all__ = ["is_file_name", "load_file", "page_module", "shipped", "with_its_files"]


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


def with_its_files(experiment: Experiment, module: ModuleType) -> Experiment:
    """The experiment with the files of its environment, networks and optimisers, so that any folder will do.

    A relative path is looked up beside the experiment's own file, then in the folder that holds `experiments/`.

    Args:
      experiment: as it is declared.
      module: where it is declared.
    """
    folders = [Path(module.__file__ or "").parent, Path(shipped().__path__[0]).parent]

    def found(arm: Arm) -> Arm:
        network, optimizer = (lookup.beside(name, folders) for name in (arm.ppo.network, arm.ppo.optimizer))
        return dataclasses.replace(arm, ppo=dataclasses.replace(arm.ppo, network=network, optimizer=optimizer))

    environment = _environment_beside(experiment.environment, folders)
    return dataclasses.replace(experiment, environment=environment, arms=tuple(found(arm) for arm in experiment.arms))


def _environment_beside(name: str, folders: Sequence[Path]) -> str:
    """The name of an environment with its file's whole path, where it names one that lies in one of the folders."""
    parts = file_and_function(name)
    path = None if parts is None else lookup.file_beside(parts[0], folders)
    return name if parts is None or path is None else f"{path}:{parts[1]}"


def page_module(module: ModuleType, called: str) -> ModuleType:
    """Where a study's page is declared: `page.py` in its folder, else the study's own module.

    Args:
      module: the study's.
      called: what errors call it, such as ``study='mine'``.

    Raises:
      ConfigError: that file fails, in one line with the place.
    """
    return run_submodule(module, "page", called) or module
