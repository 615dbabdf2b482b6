"""What config.json must say for a run directory to be read back; other keys pass through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from momentum_jax.config.arms import ARM_NAME
from momentum_jax.diagnostics.variables import SCHEMA_VERSION
from momentum_jax.run_directory.atomic_files import CONFIG_NAME, RunDirectoryError, Share
from momentum_jax.run_directory.former_values import in_present_form
from momentum_jax.version import __version__

_REQUIRED: dict[str, type] = {
    "schema_version": int,
    "experiment": str,
    "arms": list,
    "seeds": list,
    "timesteps": int,
    "checkpoints": list,
    "data": dict,
}
# Settings by the names that older runs have of them.
_FORMER_NAMES = {"initial_hold_bias": "initial_action_bias"}


def in_present_terms(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with the present names of settings, and their values as they would be recorded now."""
    return in_present_form(_in_present_names(config))


def _in_present_names(plain: Any) -> Any:
    if isinstance(plain, Mapping):
        return {_FORMER_NAMES.get(name, name): _in_present_names(value) for name, value in plain.items()}
    return [_in_present_names(item) for item in plain] if isinstance(plain, list) else plain


def check_config(config: Mapping[str, Any], path: Path) -> None:
    """Checks the keys that this layer reads.

    Raises:
        RunDirectoryError: naming `path`, the key, what was found and what was expected.
    """
    for key, expected in _REQUIRED.items():
        found = config.get(key)
        if not isinstance(found, expected) or isinstance(found, bool):
            shown = "nothing" if key not in config else repr(found)
            raise RunDirectoryError(f"{path}: {key!r} is {shown}, expected {expected.__name__}")
    if config["schema_version"] > SCHEMA_VERSION:
        raise RunDirectoryError(
            f"{path}: schema version {config['schema_version']} is newer than {SCHEMA_VERSION}, "
            "which this program reads; update momentum_jax"
        )
    _check_arms(config["arms"], path)
    _check_seeds(config["seeds"], path)


def _check_arms(arms: list[Any], path: Path) -> None:
    names = [arm.get("name") if isinstance(arm, Mapping) else None for arm in arms]
    for name in names:
        if not isinstance(name, str) or not ARM_NAME.fullmatch(name):
            raise RunDirectoryError(f"{path}: arm name {name!r}, expected letters, digits and _.,+=- (it names a file)")
    if not names or len(set(names)) < len(names):
        raise RunDirectoryError(f"{path}: arms {names}, expected at least one and each name once")


def _check_seeds(seeds: list[Any], path: Path) -> None:
    if not all(isinstance(seed, int) and not isinstance(seed, bool) for seed in seeds):
        raise RunDirectoryError(f"{path}: seeds {seeds}, expected whole numbers")
    if not seeds or len(set(seeds)) < len(seeds):
        raise RunDirectoryError(f"{path}: seeds {seeds}, expected at least one and each once")


def read_config(run_dir: str | Path) -> dict[str, Any]:
    """Reads and checks config.json of a run directory.

    Raises:
        RunDirectoryError: it is missing, half-written, foreign or of a newer schema.
    """
    path = Path(run_dir) / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunDirectoryError(f"{path}: not found, so {Path(run_dir)} is not a run directory") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunDirectoryError(f"{path}: half-written or not JSON ({error})") from error
    if not isinstance(config, dict):
        raise RunDirectoryError(f"{path}: holds a {type(config).__name__}, expected an object")
    config = in_present_terms(config)
    check_config(config, path)
    return config


def is_run(folder: str | Path) -> bool:
    """Whether a folder is a run's directory, whatever state it is in."""
    return (Path(folder) / CONFIG_NAME).exists()


def version_text(config: Mapping[str, Any]) -> str:
    """Which version of this program wrote a run, beside the one that reads it, for a refusal."""
    version = config.get("versions", {}).get("momentum_jax", "of a version that it does not name")
    commit = config.get("git_commit") or "not known"
    return f"momentum_jax {version} wrote it (git commit {commit}), this is {__version__}"


def is_finished(run_dir: str | Path) -> bool:
    """Whether a run has been trained to its end and everything of it is written.

    Raises:
        RunDirectoryError: there is a directory that is not a run's.
    """
    return Path(run_dir).exists() and read_config(run_dir).get("finished") is not None


def arm_names(config: Mapping[str, Any]) -> list[str]:
    """Arm names of a checked config, in order."""
    return [arm["name"] for arm in config["arms"]]


def shares(config: Mapping[str, Any]) -> list[Share]:
    """The parts in which a run's processes write its arrays."""
    count = config.get("num_processes", 1)
    return [Share(index, count) for index in range(count)]
