"""Which arm of a run a published number belongs to: the one with the published settings, on bars of the same symbol."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from momentum_jax.analysis.claims.published import Published, PublishedRun, published_sources


class PublishedArm(NamedTuple):
    """A published run and the arm of a run here that has its settings."""

    run: PublishedRun
    arm: str


def find_arm(ds: xr.Dataset, name: str) -> str | None:
    """The arm of that name, else the first one with the settings that were published under it."""
    names = ds["arm"].values.tolist()
    if name in names:
        return name
    for source in published_sources():
        arm = _arm_like(ds, source, name)
        if arm is not None:
            return arm
    return None


def published_arms(ds: xr.Dataset, sources: Sequence[Published] = ()) -> list[PublishedArm]:
    """The published runs whose numbers can be laid over an arm; an arm serves one run, its namesake first.

    Empty on a market that is not of the published symbol. An arm of a published name whose settings were changed is
    not that run.

    Args:
        ds: a loaded run.
        sources: what was published; by default what the shipped studies repeat.
    """
    return [found for source in sources or published_sources() for found in _arms_of(ds, source)]


def _arms_of(ds: xr.Dataset, source: Published) -> list[PublishedArm]:
    if not on_published_market(ds, source.symbol):
        return []
    arms = {arm["name"]: arm for arm in _arms(ds)}
    runs = [run for run in source.runs if run.settings is not None]
    found = [PublishedArm(run, run.name) for run in runs if run.name in arms and _has(arms[run.name], source, run)]
    for run in (run for run in runs if run.name not in arms):
        arm = _arm_like(ds, source, run.name)
        if arm is not None and arm not in [other.arm for other in found]:
            found.append(PublishedArm(run, arm))
    return found


def on_published_market(ds: xr.Dataset, symbol: str) -> bool:
    """Whether the run's bars may be compared with the published ones; so where its config does not tell."""
    config = json.loads(ds.attrs["config"])
    data = config.get("data", {})
    symbols = {part.get("symbol", symbol) for part in data.get("segments", [data])}
    return config.get("market", {}).get("data_source") != "synthetic" and symbols == {symbol}


def _arm_like(ds: xr.Dataset, source: Published, name: str) -> str | None:
    """The first arm whose recorded settings are those of the published run of that name."""
    for run in source.runs:
        for arm in _arms(ds) if run.name == name and run.settings is not None else ():
            if _tells_runs_apart(arm, source) and _has(arm, source, run):
                return arm["name"]
    return None


def _arms(ds: xr.Dataset) -> list[dict[str, Any]]:
    return json.loads(ds.attrs["config"])["arms"]


def _recorded(arm: Mapping[str, Any]) -> dict[str, Any]:
    return arm.get("env", {}) | arm.get("ppo", {}) | arm.get("by_seed", {})


def _tells_runs_apart(arm: Mapping[str, Any], source: Published) -> bool:
    """Whether an arm recorded settings, and every one in which the published runs differ."""
    recorded = _recorded(arm)
    return bool(recorded) and {name for run in source.runs for name in run.settings or {}} <= recorded.keys()


def _has(arm: Mapping[str, Any], source: Published, run: PublishedRun) -> bool:
    """Whether an arm has a run's settings; so where it recorded none.

    A setting that did not exist yet when the arm was recorded had its default's meaning.
    """
    defaults = json.loads(json.dumps(dict(source.defaults)))
    wanted = defaults | json.loads(json.dumps(dict(run.settings or {})))
    recorded = _recorded(arm)
    found = defaults | recorded
    return not recorded or all(found[name] == value for name, value in wanted.items())
