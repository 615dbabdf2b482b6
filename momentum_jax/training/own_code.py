"""A person's own files that a run is made of: recorded by their content, so that a changed one is noticed.

A file may move: its content counts, and not its folder.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_names import file_and_function
from momentum_jax.fields import ConfigError
from momentum_jax.networks.table import NETWORKS
from momentum_jax.ppo.optimizer_table import OPTIMIZERS
from momentum_jax.processes.source_hashes import source_hashes

_PARTS = {"network": NETWORKS, "optimizer": OPTIMIZERS}
_INSTALLED = ("site-packages", "dist-packages")
_SHOWN = 12  # digits of a hash


def recorded(config: RunConfig) -> dict[str, Any]:
    """For config.json: SHA-256 by file of the environment, and of each arm's network and optimiser.

    Nothing of what is part of this program or of an installed package, whose versions are recorded.
    """
    environment = file_and_function(config.environment)
    arms = {}
    for arm in config.arms:
        parts = {setting: _hashes(getattr(arm.ppo, setting), table) for setting, table in _PARTS.items()}
        arms[arm.name] = {setting: hashes for setting, hashes in parts.items() if hashes}
    return {
        "environment": {} if environment is None else source_hashes(Path(environment[0])),
        "arms": {name: parts for name, parts in arms.items() if parts},
    }


def check_unchanged(run_dir: str | Path, config: Mapping[str, Any], description: Mapping[str, Any]) -> None:
    """Refuse to go on with other code; a run that was begun before code was recorded is taken as it is.

    Args:
      run_dir: of the run.
      config: its config.json.
      description: what config.json would be now.

    Raises:
      ConfigError: naming the first file that differs, with both hashes.
    """
    if "sources" not in config:
        return
    before, now = (dict(_by_setting(either["sources"])) for either in (config, description))
    for setting in [name for name in before if name in now]:
        for line in _differences(before[setting], now[setting]):
            raise ConfigError(
                f"{run_dir}: the code of its {setting} has changed: {line}: put the file back as it was when the run "
                "began, or start a new run"
            )


def warn_if_changed(run_dir: str | Path, config: Mapping[str, Any], arm: str, network: str) -> None:
    """Warn that a saved policy's parameters act in a network of other code than they were trained in.

    Args:
      run_dir, config: of the run.
      arm: its name.
      network: what it names as its network.
    """
    before = config.get("sources", {}).get("arms", {}).get(arm, {}).get("network", {})
    for line in _differences(before, _hashes(network, NETWORKS) if before else {}):
        warnings.warn(
            f"{run_dir}: the code of arm {arm}'s network has changed since it was trained: {line}: the policy acts by "
            "the present file; put it back as it was to have the trained one",
            stacklevel=3,
        )
        return


def without_folders(settings: Mapping[str, Any], *, parts_too: bool) -> dict[str, Any]:
    """Settings in which files are named without their folders, for content tells whether they are the same.

    Args:
      settings: of a run, as plain values.
      parts_too: whether networks and optimisers are recorded by content; an environment always is.
    """
    found = dict(settings)
    if "environment" in found:
        found["environment"] = _without_folder(found["environment"])
    if parts_too:
        found["arms"] = [
            arm | {"ppo": arm["ppo"] | {name: _without_folder(arm["ppo"][name]) for name in _PARTS}}
            for arm in found["arms"]
        ]
    return found


def _hashes(name: str, table: Mapping[str, str]) -> dict[str, str]:
    """Of what a setting names; nothing where it is of this program or installed."""
    if name in table:
        return {}
    place, _, _ = name.partition(":")
    if place.endswith(".py"):
        return source_hashes(Path(place).expanduser().absolute())
    if place.split(".")[0] == __name__.split(".")[0]:
        return {}
    spec = importlib.util.find_spec(place)
    file = None if spec is None or not spec.has_location or spec.origin is None else Path(spec.origin)
    if file is None or file.suffix != ".py" or set(_INSTALLED) & set(file.parts):
        return {}
    depth = place.count(".") + (file.name == "__init__.py")
    return source_hashes(file, file.parents[depth])


def _by_setting(sources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The files of each setting, by what messages call it."""
    if sources["environment"]:
        yield "environment", sources["environment"]
    for arm, parts in sources["arms"].items():
        for setting, files in parts.items():
            yield f"{setting} of arm {arm}", files


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    # Runs were begun before all packages' own files counted.
    recorded = before.keys() | {file for file in now if PurePath(file).name != "__init__.py"}
    for file in sorted(recorded):
        if before.get(file) != now.get(file):
            expected, found = (_shown(either.get(file)) for either in (before, now))
            yield f"{file} is {found}, expected {expected}"


def _shown(digest: str | None) -> str:
    return "not used" if digest is None else f"SHA-256 {digest[:_SHOWN]}…"


def _without_folder(name: str) -> str:
    place, colon, attribute = name.partition(":")
    return f"{PurePath(place).name}{colon}{attribute}" if place.endswith(".py") else name
