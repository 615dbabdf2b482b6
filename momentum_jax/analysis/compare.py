"""Several runs as one: arms side by side, seeds that all have are paired."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.store import load_run

_JUDGES_SETUPS = ("put_setup", "decision_time_setup")


class IncomparableRunsError(ValueError):
    """Runs that cannot be set side by side; one line that says which and why."""


def open_runs(run_dirs: Sequence[str | Path]) -> xr.Dataset:
    """Opens one run, or several as one dataset.

    Args:
        run_dirs: at least one; all trained on the same data, measured on the same probe states.

    Returns:
        As `load_run`; of several runs the common seeds and checkpoints, with arms named
        ``<run>/<arm>`` where names would clash.

    Raises:
        RunDirectoryError: a run cannot be read.
        IncomparableRunsError: data or probe states differ, or there is no common seed or checkpoint.
    """
    runs = [load_run(run_dir) for run_dir in run_dirs]
    if len(runs) == 1:
        return runs[0]
    for other in runs[1:]:
        _check_data(runs[0], other)
        _check_probes(runs[0], other)
    seeds = _common(runs, "seed")
    steps = _common(runs, "env_steps")
    names = [name for run in runs for name in run["arm"].values.tolist()]
    clash = len(set(names)) < len(names)
    parts = [_part(run, seeds, steps, clash) for run in runs]
    arms = [name for part in parts for name in part["arm"].values.tolist()]
    if len(set(arms)) < len(arms):
        raise IncomparableRunsError(f"the same run is given twice: {', '.join(map(str, run_dirs))}")
    joined = xr.concat(parts, "arm", coords="minimal", compat="override", combine_attrs="override")
    joined.attrs["run_name"] = " + ".join(run.attrs["run_name"] for run in runs)
    joined.attrs["config"] = json.dumps(_joined_config(runs, arms, seeds))
    return joined


def _check_data(first: xr.Dataset, other: xr.Dataset) -> None:
    prints = [run.attrs["data_fingerprint"] for run in (first, other)]
    names = f"{first.attrs['run_name']} and {other.attrs['run_name']}"
    if not all(prints):
        raise IncomparableRunsError(f"{names}: a data fingerprint is not recorded, so the data may differ")
    if prints[0] != prints[1]:
        raise IncomparableRunsError(f"{names}: trained on different data, fingerprints {prints[0]} and {prints[1]}")


def _check_probes(first: xr.Dataset, other: xr.Dataset) -> None:
    """Compares the numbers of probe states: by setup score where two arms judge setups alike, else in all."""
    names = f"{first.attrs['run_name']} and {other.attrs['run_name']}"
    for here in _arms(first):
        for there in _arms(other):
            counts = [
                run["probe_count"].sel(arm=arm["name"]).transpose("seed", "checkpoint", ...).values[0, 0]
                for run, arm in ((first, here), (other, there))
            ]
            if not _judge_alike(here, there):
                counts = [count.sum(axis=-1) for count in counts]
            if not np.array_equal(*counts):
                shown = " and ".join(str(count.tolist()) for count in counts)
                raise IncomparableRunsError(f"{names}: probed on different states, by half and score {shown}")


def _judge_alike(here: dict[str, Any], there: dict[str, Any]) -> bool:
    return all(here.get("env", {}).get(name) == there.get("env", {}).get(name) for name in _JUDGES_SETUPS)


def _arms(run: xr.Dataset) -> list[dict[str, Any]]:
    return json.loads(run.attrs["config"])["arms"]


def _common(runs: Sequence[xr.Dataset], name: str) -> list[int]:
    shared = set.intersection(*(set(run[name].values.tolist()) for run in runs))
    if not shared:
        names = ", ".join(run.attrs["run_name"] for run in runs)
        raise IncomparableRunsError(f"{names}: no {name} in common, so nothing can be paired")
    return sorted(shared)


def _part(run: xr.Dataset, seeds: list[int], steps: list[int], clash: bool) -> xr.Dataset:
    rows = np.flatnonzero(np.isin(run["env_steps"].values, steps))
    part = run.sel(seed=seeds).isel(checkpoint=rows).drop_vars("update")
    updates = run["update"].isel(checkpoint=rows)
    part = part.assign_coords(update=("checkpoint", updates.values, updates.attrs))
    if clash:
        part = part.assign_coords(arm=[f"{run.attrs['run_name']}/{name}" for name in run["arm"].values])
    return part


def _joined_config(runs: Sequence[xr.Dataset], arms: list[str], seeds: list[int]) -> dict[str, Any]:
    """The first run's config with all arms, and every run's claims."""
    configs = [json.loads(run.attrs["config"]) for run in runs]
    settings = [arm for config in configs for arm in config["arms"]]
    claims = [claim for config in configs for claim in config.get("claims", [])]
    named = [{**arm, "name": name} for arm, name in zip(settings, arms, strict=True)]
    return {**configs[0], "arms": named, "seeds": seeds, "claims": claims}
