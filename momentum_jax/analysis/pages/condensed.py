"""A run as a few small arrays, from which every figure and table of a study's page is made.

Kept are the counts of each window, the probe's exact probabilities (both halves averaged by their states, in steps of
1/65 535), and the learner's health at the landmark steps alone. Nothing is pickled.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.diagnostics.variables import HEALTH_METRICS, table
from momentum_jax.env.momentum_diagnostics import ACTIONS, MOMENTUM, SETUP_SCORES
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.run_directory.atomic_files import Array, log_path, read_arrays, write_arrays

TRIGGERS = MOMENTUM.shown_events
LANDMARKS = (2_000, 3_000, 5_000, 10_000)
_LEGAL = 3  # actions of a flat state, the first of all
_LEVELS = 65_535
_PATHS = ("data_path", "vix_path", "cache_path", "where")
_FULL = ("arm", "seed", "checkpoint")


def condense(ds: xr.Dataset, log: str = "") -> dict[str, Array]:
    """The arrays that are kept of a loaded run.

    Args:
        ds: as `load_run` returns it.
        log: lines of the run's log.txt that tell its times.
    """
    count = ds["probe_count"]
    states = count.sum("probe_half")
    merged = xr.where(count > 0, ds["p_action"] * count, 0.0).sum("probe_half") / states.where(states > 0)
    probability = merged.transpose(*_FULL, "setup_score", "action").values[..., : _LEGAL - 1]
    at_landmarks = np.isin(ds["env_steps"].values, LANDMARKS)
    arrays = {
        "config": np.array(json.dumps(_without_folders(json.loads(ds.attrs["config"])))),
        "attributes": np.array(json.dumps({name: ds.attrs[name] for name in ("run_name", "data_fingerprint")})),
        "log": np.array(log),
        "env_steps": ds["env_steps"].values,
        "update": ds["update"].values,
        "flat_count": _smallest(ds["flat_count"].transpose(*_FULL, "setup_score", "action").values[..., :_LEGAL]),
        "p_action": np.round(_LEVELS * np.nan_to_num(probability)).astype(np.uint16),
        "probe_count": states.transpose(*_FULL, "setup_score").values[:, 0, 0],
        "failed_step": ds["failed_step"].fillna(-1).transpose(*_FULL).values.astype(np.int32),
        "reward_sum": ds["reward_sum"].transpose(*_FULL).values.astype(np.float32),
    }
    arrays |= {name: _smallest(ds[name].transpose(*_FULL).values) for name in TRIGGERS}
    for name in HEALTH_METRICS:
        values = ds[name].transpose(*_FULL).values
        arrays[name] = np.where(at_landmarks, values, np.nan).astype(np.float32)
    return arrays


def restore(arrays: dict[str, Array]) -> xr.Dataset:
    """A dataset like `load_run`'s of what was kept, with one probe half that stands for both."""
    config = json.loads(str(arrays["config"]))
    coords: dict[str, Any] = {
        "arm": [arm["name"] for arm in config["arms"]],
        "seed": config["seeds"],
        "checkpoint": arrays["env_steps"],
        "env_steps": ("checkpoint", arrays["env_steps"]),
        "update": ("checkpoint", arrays["update"]),
        "probe_half": ["both"],
        "setup_score": list(SETUP_SCORES),
        "action": list(ACTIONS),
    }
    lead = arrays["failed_step"].shape
    probes = np.broadcast_to(arrays["probe_count"][:, None, None], (*lead, arrays["probe_count"].shape[-1]))
    known = arrays["p_action"] / _LEVELS
    probability = np.where(probes[..., None] > 0, np.concatenate([known, 1 - known.sum(-1, keepdims=True)], -1), np.nan)
    values = {
        "flat_count": _all_actions(arrays["flat_count"].astype(np.int64)),
        "p_action": _all_actions(probability)[..., None, :, :],
        "probe_count": probes[..., None, :],
        "failed_step": arrays["failed_step"].astype(np.int64),
        "reward_sum": arrays["reward_sum"].astype(np.float64),
        **{name: arrays[name].astype(np.int64) for name in TRIGGERS if name in arrays},
        **{name: arrays[name].astype(np.float64) for name in HEALTH_METRICS if name in arrays},
    }
    # What did not exist yet when it was written.
    values |= {name: np.full(lead, np.nan) for name in (*TRIGGERS, *HEALTH_METRICS) if name not in arrays}
    rows = table(MOMENTUM)
    variables = {name: ((*_FULL, *rows[name].dims), array, rows[name].attributes) for name, array in values.items()}
    attributes = json.loads(str(arrays["attributes"]))
    own = {"experiment": config["experiment"], "config": str(arrays["config"]), "log": str(arrays["log"])}
    return xr.Dataset(variables, coords, attributes | own)


def write_condensed(ds: xr.Dataset, run_dir: Path, path: Path) -> None:
    """Writes what is kept of a run directory, whose loaded dataset `ds` is."""
    log = log_path(run_dir)
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    write_arrays(path, condense(ds, "\n".join(line for line in lines if line.startswith("trained"))))


def read_condensed(path: Path) -> xr.Dataset:
    """Reads it back.

    Raises:
        RunDirectoryError: the file is missing, damaged, or not of this kind.
    """
    arrays = read_arrays(path)
    try:
        return restore(arrays)
    except (KeyError, ValueError) as error:
        raise RunDirectoryError(f"{path}: not a condensed run ({error}); condense it again") from error


def _without_folders(plain: Any, key: str = "") -> Any:
    """Plain values with the names of files in place of their paths, which are of one machine only."""
    if isinstance(plain, dict):
        return {name: _without_folders(value, name) for name, value in plain.items()}
    if isinstance(plain, list):
        return [_without_folders(value) for value in plain]
    return Path(plain).name if key in _PATHS and plain else plain


def _smallest(counts: Array) -> Array:
    """Counts in the smallest unsigned type that holds them."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def _all_actions(legal: Array) -> Array:
    """[..., legal action] filled up with zeros to [..., action]; NaN rows stay NaN."""
    rest = np.zeros((*legal.shape[:-1], len(ACTIONS) - legal.shape[-1]), legal.dtype)
    return np.concatenate([legal, rest], axis=-1)
