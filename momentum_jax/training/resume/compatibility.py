"""May this run go on? What a run directory was begun with, against what is asked of it now. Imports no JAX."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from momentum_jax import run_directory
from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.variables import table
from momentum_jax.fields import ConfigError, differences
from momentum_jax.market.errors import DataError
from momentum_jax.processes import jax_settings
from momentum_jax.processes.invocation import report_command
from momentum_jax.training import own_code

# Where a run is computed and how often it is saved may change under way: on CPU its numbers do not depend on them; on
# an accelerator another group width may change the last digits.
_FREE = ("group_width", "num_devices", "state_interval")
# A moved file or cache is the same data: the fingerprint decides.
_FREE_MARKET = ("data_path", "vix_path", "cache_path", "request_seconds")
_SHOWN = 5
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class WriteError(Exception):
    """Results could not be written under way; the message says what is kept and how to go on."""


@contextlib.contextmanager
def explained(run_dir: Path, share: run_directory.Share, go_on: str) -> Iterator[None]:
    """Turn an OSError of the block into a `WriteError` that says what is kept and the command that goes on."""
    try:
        yield
    except OSError as error:
        reason = f"{error.filename or run_dir}: {error.strerror or error}"
        newest = run_directory.states(run_dir, share)
        kept = f"the state after update {newest[0][0]:,}" if newest else "every checkpoint written so far"
        remedy = "make room" if error.errno in _NO_ROOM else "look at the disk and its permissions"
        raise WriteError(f"{reason}; {kept} is kept: {remedy}, then {go_on}") from error


def stored_run(run_dir: str | Path) -> RunConfig:
    """The run that a directory was begun with.

    Raises:
      RunDirectoryError: it is none.
      ConfigError: it was written by a program that knows other settings, or other values of them.
    """
    return _as_run(run_dir, run_directory.read_config(run_dir))


def _as_run(run_dir: str | Path, config: Mapping[str, Any]) -> RunConfig:
    try:
        return RunConfig.from_json(config)
    except (ConfigError, DataError) as error:
        raise ConfigError(
            f"{run_dir}: {error}: {run_directory.version_text(config)}; resume it with that version"
        ) from None


def check_unchanged(run_dir: str | Path, description: Mapping[str, Any]) -> None:
    """Compare what a run was begun with to the description of what is asked for now; it may only be longer.

    Args:
      run_dir: of the run.
      description: content of a config.json, see `description.describe`.

    Raises:
      RunDirectoryError: no run directory.
      ConfigError: naming what differs, with both values.
    """
    config = run_directory.read_config(run_dir)
    unknown = sorted(config.keys() - description.keys() - {"schema_version"})
    if unknown:
        raise ConfigError(
            f"{run_dir}: config.json has unknown {unknown}: {run_directory.version_text(config)}; resume it with that"
        )
    own_code.check_unchanged(run_dir, config, description)
    by_content = "sources" in config
    stored = _decisive(config, _as_run(run_dir, config), by_content)
    wanted = _decisive(description, RunConfig.from_json(description), by_content)
    if wanted["timesteps"] > stored["timesteps"]:
        for settings in (stored, wanted):
            del settings["timesteps"], settings["checkpoints"]
    found = [
        f"{name} was {_shown(before)}, now {_shown(now)}"
        for name, before, now in differences(stored, wanted)
        if before is not None or not name.startswith("data.")  # a fact that was not recorded yet
    ]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConfigError(
            f"{run_dir} was begun with other settings ({'; '.join(found[:_SHOWN])}{more}): "
            "resume it with --resume and --run_dir alone, or start a new run"
        )
    changed = _other_variables(config, description)
    if changed:
        raise ConfigError(
            f"{run_dir}: another version recorded other variables of {description['diagnostics']['environment']} "
            f"({', '.join(changed)}): {run_directory.version_text(config)}; resume it with that version, or begin "
            "another run"
        )
    drawn_otherwise = _drawn_otherwise(config, description)
    if drawn_otherwise:
        raise ConfigError(
            f"{run_dir}: another version of this program (git commit {config.get('git_commit')}) drew its "
            f"{drawn_otherwise} differently: resume it with that version, or start a new run"
        )
    jax_settings.check_same(run_dir, config.get("jax_settings"), description["jax_settings"])


def recorded(run_dir: str | Path, present: Diagnostics) -> Diagnostics:
    """What a run records: what it was begun with, in event words as the present program lays them out.

    A run that was begun before some variables, probe states or flags existed goes on without them.
    """
    return dataclasses.replace(run_directory.diagnostics_in(run_directory.read_config(run_dir)), flags=present.flags)


def _other_variables(config: Mapping[str, Any], description: Mapping[str, Any]) -> list[str]:
    """Names of the variables of a run that are counted otherwise than when it was begun, or no more."""
    before, now = (
        {name: (row.dims, row.dtype, row.source) for name, row in table(run_directory.diagnostics_in(either)).items()}
        for either in (config, description)
    )
    return sorted(name for name in before if before[name] != now.get(name))


def _drawn_otherwise(config: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    """What a run records of that is now drawn in another way; empty where nothing is."""
    before, now = (run_directory.diagnostics_in(either) for either in (config, description))
    draws = {one.name: one.draw for one in now.probe_sets}
    probes = any(draws.get(one.name, one.draw) != one.draw for one in before.probe_sets)
    if probes or config.get("probe_draw", 1) != description["probe_draw"]:
        return "probe states"
    episodes = before.evaluation and now.evaluation and before.evaluation.draw != now.evaluation.draw
    return "evaluated episodes" if episodes else ""


def what_is_kept(run_dir: str | Path, go_on: str) -> str:
    """What a run that was ended at once has left, and the command that goes on; one line.

    Raises:
      RunDirectoryError: config.json cannot be read.
    """
    folder = Path(run_dir)
    if not run_directory.is_run(folder):
        return "nothing has been written; the same command starts again"
    if run_directory.is_finished(folder):
        return f"the run in {folder} is finished, its report is not: {report_command(folder)}"
    updates = [
        update
        for share in run_directory.shares(run_directory.read_config(folder))
        for update, _ in run_directory.states(folder, share)
    ]
    kept = f"the state after update {max(updates):,}" if updates else "no state yet"
    return f"{folder} holds {kept}; go on with: {go_on}"


def changed_versions(run_dir: str | Path, description: Mapping[str, Any]) -> Iterator[str]:
    """What may change the last digits of a resumed run: packages, the device, the program's own commit."""
    config = run_directory.read_config(run_dir)
    for name in ("versions", "device", "git_commit"):
        for place, before, now in differences(config.get(name), description[name], name):
            yield f"{place} was {_shown(before)} when the run began, now {_shown(now)}"


def deciding_settings(run: RunConfig) -> dict[str, Any]:
    """The settings that decide a run's numbers, as plain values in the present program's terms."""
    settings = {name: value for name, value in run.to_json().items() if name not in _FREE}
    if "market" in settings:
        settings["market"] = {name: value for name, value in settings["market"].items() if name not in _FREE_MARKET}
    return settings


def _decisive(config: Mapping[str, Any], run: RunConfig, by_content: bool) -> dict[str, Any]:
    """Everything that decides a run's numbers: settings and data.

    `by_content`: whether the files of networks and optimisers are recorded by content, so that they may have moved.
    """
    settings = own_code.without_folders(deciding_settings(run), parts_too=by_content)
    data = {name: value for name, value in config["data"].items() if name != "quality"}
    return settings | {"data": data, "num_processes": config.get("num_processes", 1)}


def _shown(value: Any) -> str:
    return "absent" if value is None else str(value)
