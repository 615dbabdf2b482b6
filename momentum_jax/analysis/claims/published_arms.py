"""Which arm of a run a published number belongs to: the one with the published settings, on bars of the same symbol."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.ppo.hyper_parameters import PPOConfig

SYMBOL = "SPY"
# What the published runs changed of the defaults, which are tune2's.
_SETTINGS: dict[str, dict[str, float]] = {
    "tune2": {},
    "baseline": {
        "call_bonus": 0.05,
        "put_bonus": 0.02,
        "missed_penalty": -0.02,
        "hold_tax": 0.0,
        "chase_penalty": -0.07,
        "ent_coef": 0.02,
    },
    "tune1": {
        "call_bonus": 0.10,
        "put_bonus": 0.08,
        "missed_penalty": -0.05,
        "hold_tax": -0.001,
        "chase_penalty": -0.03,
        "ent_coef": 0.06,
    },
    "tune3": {"ent_coef": 0.10},
    "full": {},
}


def find_arm(ds: xr.Dataset, name: str) -> str | None:
    """The arm of that name, else the first one with the settings that were published under it."""
    names = ds["arm"].values.tolist()
    if name in names:
        return name
    for arm in _arms(ds) if name in _SETTINGS else ():
        if _recorded(arm) and not _contradictions(arm, name, missing=True):
            return arm["name"]
    return None


def published_arms(ds: xr.Dataset) -> dict[str, str]:
    """By published run the arm that its numbers can be laid over; an arm serves one run, its namesake first.

    Empty on a market that is not of the published symbol. An arm of a published name whose settings were changed is
    not that run.
    """
    if not on_published_market(ds):
        return {}
    arms = {arm["name"]: arm for arm in _arms(ds)}
    found = {run: run for run in _SETTINGS if run in arms and not _contradictions(arms[run], run)}
    for run in _SETTINGS:
        arm = find_arm(ds, run) if run not in arms else None
        if arm is not None and arm not in found.values():
            found[run] = arm
    return found


def on_published_market(ds: xr.Dataset) -> bool:
    """Whether the run's bars may be compared with the published ones; so where its config does not tell."""
    config = json.loads(ds.attrs["config"])
    data = config.get("data", {})
    symbols = {part.get("symbol", SYMBOL) for part in data.get("segments", [data])}
    return config.get("market", {}).get("data_source") != "synthetic" and symbols == {SYMBOL}


def _arms(ds: xr.Dataset) -> list[dict[str, Any]]:
    return json.loads(ds.attrs["config"])["arms"]


def _recorded(arm: Mapping[str, Any]) -> dict[str, Any]:
    return arm.get("env", {}) | arm.get("ppo", {})


def _contradictions(arm: Mapping[str, Any], run: str, missing: bool = False) -> list[str]:
    """Settings in which the arm is not the published run; with `missing` those too that were not recorded."""
    wanted = json.loads(json.dumps(dataclasses.asdict(EnvOptions()) | dataclasses.asdict(PPOConfig()) | _SETTINGS[run]))
    found = _recorded(arm)
    return [name for name, value in wanted.items() if found.get(name, None if missing else value) != value]
