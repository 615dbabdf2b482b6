"""A run as a few small arrays, from which every figure and table of a study's page is made.

Kept are the decisions of each window, the probes' exact probabilities (both halves averaged by their states, in steps
of 1/65 535), every other variable of one number a seed, an action or a way to evaluate, and the learner's health at the
landmark steps alone. A study whose page needs other things says itself what is kept. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.analysis.dips.early_part import early_steps, is_derived
from momentum_jax.diagnostics.description import Diagnostics, Recorded
from momentum_jax.diagnostics.evaluation import EVALUATED_DIM
from momentum_jax.diagnostics.variables import HEALTH_METRICS, PRIMARY, labels, of_probe_set, table
from momentum_jax.run_directory import RunDirectoryError, diagnostics_in, diagnostics_of
from momentum_jax.run_directory.atomic_files import Array, log_path, read_arrays, write_arrays
from momentum_jax.run_directory.config_json import in_present_terms

LANDMARKS = (2_000, 3_000, 5_000, 10_000)  # of environments with steps of their own study
_LEVELS = 65_535
_PATHS = ("data_path", "vix_path", "cache_path", "where")
_FULL = ("arm", "seed", "checkpoint")
_OWN, _OWN_ATTRIBUTES = "own.", "own"

Keep = Callable[[xr.Dataset], xr.Dataset]
"""What a study keeps of a loaded run: variables ``[arm, seed, checkpoint]``, in the precision that they are kept in."""


def condense(ds: xr.Dataset, log: str = "", keep: Keep | None = None) -> dict[str, Array]:
    """The arrays that are kept of a loaded run.

    Args:
        ds: as `load_run` returns it.
        log: lines of the run's log.txt that tell its times.
        keep: what to keep beside the settings, steps and failed seeds; None for the module's list.
    """
    return _frame(ds, log) | (_listed(ds) if keep is None else _own(keep(ds)))


def _frame(ds: xr.Dataset, log: str) -> dict[str, Array]:
    """What is kept of every run."""
    return {
        "config": np.array(json.dumps(_without_folders(json.loads(ds.attrs["config"])))),
        "attributes": np.array(json.dumps({name: ds.attrs[name] for name in ("run_name", "data_fingerprint")})),
        "log": np.array(log),
        "env_steps": ds["env_steps"].values,
        "update": ds["update"].values,
        "failed_step": ds["failed_step"].fillna(-1).transpose(*_FULL).values.astype(np.int32),
    }


def _own(kept: xr.Dataset) -> dict[str, Array]:
    """A study's own choice of variables, with their attributes."""
    arrays = {f"{_OWN}{name}": variable.transpose(*_FULL).values for name, variable in kept.data_vars.items()}
    attributes = {str(name): variable.attrs for name, variable in kept.data_vars.items()}
    return arrays | {_OWN_ATTRIBUTES: np.array(json.dumps(attributes))}


def _listed(ds: xr.Dataset) -> dict[str, Array]:
    """What is kept where a study says nothing."""
    description, arrays = diagnostics_of(ds), dict[str, Array]()
    for decisions, probe_set in _probe_sets(description).items():
        arrays |= _decisions(ds, decisions, probe_set, description)
    for name, dim in ((name, dim) for name, dim in _by_label(description).items() if name not in arrays):
        arrays[name] = _smallest(ds[name].transpose(*_FULL, dim).values)
    early = early_steps(ds)
    kept = {*early.prediction, *early.landmarks} if is_derived(ds) else {*LANDMARKS}
    at_landmarks = np.isin(ds["env_steps"].values, sorted(kept))
    framed = {"failed_step"}
    for name in (name for name in _scalars(description) if name not in arrays.keys() | framed):
        values = ds[name].transpose(*_FULL).values
        arrays[name] = _smallest(np.where(at_landmarks, values, np.nan) if _is_thinned(name, description) else values)
    return arrays


def _probe_sets(description: Diagnostics) -> dict[str, str]:
    """Names of the sets of probe states by the variable that counts decisions in them; the primary one is empty."""
    return {description.decisions: PRIMARY} | {one.decisions: one.name for one in description.probe_sets}


def _decisions(ds: xr.Dataset, decisions: str, probe_set: str, description: Diagnostics) -> dict[str, Array]:
    """Decisions as they were counted, and as they are expected on the probe states of both halves."""
    p_action, probe_count = (of_probe_set(name, probe_set) for name in ("p_action", "probe_count"))
    context = () if probe_set else (description.context,)
    count = ds[probe_count]
    states = count.sum("probe_half")
    merged = xr.where(count > 0, ds[p_action] * count, 0.0).sum("probe_half") / states.where(states > 0)
    probability = np.nan_to_num(merged.transpose(*_FULL, *context, "action").values)
    counted = ds[decisions].transpose(*_FULL, *context, "action").values
    legal = 1 + max(_last_used(probability), _last_used(counted))  # such decisions know the first actions only
    return {
        decisions: _smallest(counted[..., :legal]),
        p_action: np.round(_LEVELS * probability[..., : legal - 1]).astype(np.uint16),
        probe_count: states.transpose(*_FULL, *context).values[:, 0, 0],
    }


def _by_label(description: Diagnostics) -> dict[str, str]:
    """The dimension of the variables that are, at a checkpoint, one number an action or a way to evaluate."""
    dims = {name: variable.dims for name, variable in table(description).items()}
    return {name: own[0] for name, own in dims.items() if own in (("action",), (EVALUATED_DIM,))}


def _scalars(description: Diagnostics) -> list[str]:
    """Names of the variables that are one number of a seed at a checkpoint."""
    return [name for name, variable in table(description).items() if not variable.dims]


def _is_thinned(name: str, description: Diagnostics) -> bool:
    """Whether it is kept at the landmark steps only: the learner's health, where no metric is made of it."""
    metrics = [metric.derived.variable for metric in description.metrics if isinstance(metric.derived, Recorded)]
    return name in HEALTH_METRICS and name not in metrics


def _last_used(by_action: Array) -> int:
    """The last action that anything was counted, or any probability given, for."""
    used = np.flatnonzero((by_action > 0).any(axis=tuple(range(by_action.ndim - 1))))
    return int(used.max(initial=0))


def restore(arrays: dict[str, Array]) -> xr.Dataset:
    """A dataset like `load_run`'s of what was kept, with one probe half that stands for both."""
    config = in_present_terms(json.loads(str(arrays["config"])))
    coords: dict[str, Any] = {
        "arm": [arm["name"] for arm in config["arms"]],
        "seed": config["seeds"],
        "checkpoint": arrays["env_steps"],
        "env_steps": ("checkpoint", arrays["env_steps"]),
        "update": ("checkpoint", arrays["update"]),
    }
    made = _restored_own(arrays) if _OWN_ATTRIBUTES in arrays else _restored_list(arrays, diagnostics_in(config))
    attributes = json.loads(str(arrays["attributes"]))
    about = {"experiment": config["experiment"], "config": json.dumps(config), "log": str(arrays["log"])}
    return made.assign_coords(coords).assign_attrs(attributes | about)


def _restored_own(arrays: dict[str, Array]) -> xr.Dataset:
    """The inverse of `_own`."""
    attributes = json.loads(str(arrays[_OWN_ATTRIBUTES]))
    values = {name: arrays[f"{_OWN}{name}"].astype(np.float64) for name in attributes}
    variables: dict[str, Any] = {name: (_FULL, array, attributes[name]) for name, array in values.items()}
    return xr.Dataset(variables | {"failed_step": (_FULL, arrays["failed_step"].astype(np.int64))})


def _restored_list(arrays: dict[str, Array], description: Diagnostics) -> xr.Dataset:
    """The inverse of `_listed`."""
    rows, known = table(description), labels(description)
    coords = {dim: list(values) for dim, values in known.items()} | {"probe_half": ["both"]}
    lead, actions = arrays["failed_step"].shape, len(description.actions)
    values: dict[str, Array] = {}
    for decisions, probe_set in _probe_sets(description).items():
        values |= _restored_decisions(arrays, decisions, probe_set, actions)
    by_label = {name: (*lead, len(known[dim])) for name, dim in _by_label(description).items()}
    sizes = dict.fromkeys(_scalars(description), lead) | by_label
    for name in (name for name in sizes if name not in values):
        # NaN where it did not exist yet when this was written, or was not recorded.
        found = arrays.get(name, np.full(sizes[name], np.nan))
        values[name] = found.astype(np.int64 if np.issubdtype(found.dtype, np.integer) else np.float64)
    variables = {name: ((*_FULL, *rows[name].dims), array, rows[name].attributes) for name, array in values.items()}
    return xr.Dataset(variables, coords)


def _restored_decisions(arrays: dict[str, Array], decisions: str, probe_set: str, actions: int) -> dict[str, Array]:
    """The inverse of `_decisions`."""
    p_action, probe_count = (of_probe_set(name, probe_set) for name in ("p_action", "probe_count"))
    count, known = arrays[probe_count], arrays[p_action] / _LEVELS
    probes = np.broadcast_to(count[:, None, None], known.shape[:-1])
    probability = np.where(probes[..., None] > 0, np.concatenate([known, 1 - known.sum(-1, keepdims=True)], -1), np.nan)
    return {
        decisions: _all_actions(arrays[decisions].astype(np.int64), actions),
        p_action: np.expand_dims(_all_actions(probability, actions), len(_FULL)),
        probe_count: np.expand_dims(probes, len(_FULL)),
    }


def write_condensed(ds: xr.Dataset, run_dir: Path, path: Path, keep: Keep | None = None) -> None:
    """Writes what is kept of a run directory, whose loaded dataset `ds` is."""
    log = log_path(run_dir)
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    write_arrays(path, condense(ds, "\n".join(line for line in lines if line.startswith("trained")), keep))


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


def _smallest(values: Array) -> Array:
    """Counts in the smallest unsigned type that holds them, other numbers in single precision."""
    if not np.issubdtype(values.dtype, np.integer):
        return values.astype(np.float32)
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _all_actions(legal: Array, actions: int) -> Array:
    """[..., legal action] filled up with zeros to [..., action]; NaN rows stay NaN."""
    rest = np.zeros((*legal.shape[:-1], actions - legal.shape[-1]), legal.dtype)
    return np.concatenate([legal, rest], axis=-1)
