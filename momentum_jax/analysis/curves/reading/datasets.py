"""Datasets with named dimensions: a run directory of this program, its exported run.nc, and any other NetCDF file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.inputs import to_curve_set
from momentum_jax.analysis.curves.reading.reading import Reading, ReadOptions, choose, listed
from momentum_jax.analysis.curves.reading.table_columns import ARMS, SEEDS, STEPS
from momentum_jax.analysis.metrics.derived_curves import (
    counts_of,
    derive_curves,
    failed_steps,
    fraction,
    standard_errors,
)
from momentum_jax.analysis.metrics.metric_curves import Curve, every_curve, primary_curve
from momentum_jax.diagnostics.description import Recorded
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import RunDirectoryError, diagnostics_of
from momentum_jax.run_directory.joining import load_runs

_GOOD = {1: "up", -1: "down", 0: ""}


def read_runs(paths: Sequence[Path], options: ReadOptions) -> Reading:
    """A metric of a run directory, or of several joined, by default its primary one.

    Raises:
        ConfigError: a run cannot be read, several cannot be joined, or there is no such metric.
    """
    try:
        return _of_run(paths[0], load_runs(paths), options, "run directory of this program")
    except RunDirectoryError as error:
        raise ConfigError(str(error)) from None


def read_netcdf(path: Path, options: ReadOptions) -> Reading:
    """A variable of a NetCDF file over steps, seeds and perhaps arms.

    Raises:
        ConfigError: the file is damaged, or the variable or its dimensions are not found.
    """
    try:
        ds = xr.load_dataset(path)
    except Exception as error:  # which one depends on the library that opens the file
        why = " ".join(str(error).split())[:120]
        raise ConfigError(f"{path}: cannot be read as NetCDF ({why}), expected a whole file: write it again") from None
    if "config" in ds.attrs and "diagnostics" in ds.attrs.get("config", ""):
        return _of_run(path, ds, options, "exported run of this program")
    return _of_dataset(path, ds, options)


def _of_run(path: Path, ds: xr.Dataset, options: ReadOptions, source: str) -> Reading:
    diagnostics = diagnostics_of(ds)
    known = every_curve(diagnostics)
    if options.value:
        curve = known[choose(path, "metric", "value", options.value, list(known))]
        notes = []
    else:
        curve = primary_curve(diagnostics)
        notes = [f"The metric is the run's primary one, {curve.full_symbol}; it has {listed(list(known))}."]
    values = derive_curves(ds)[curve.name].transpose("arm", "seed", "checkpoint")
    if curve.counted == "exact":
        notes.append("Exact probabilities have no sampling noise: their standard errors are 0.")
    failed = failed_steps(ds)
    if (failed >= 0).any():
        notes.append(f"{int((failed >= 0).sum())} of {failed.size} runs failed; their values are missing from then on.")
    noise = _noise_of_run(ds, curve, values)
    counted = values.notnull().any(["arm", "seed"]).values
    if counted.any() and not counted[0]:
        first = int(counted.argmax())  # a window's first value stands at its end
        notes.append(f"{curve.name} has no value before step {ds['env_steps'].values[first]}.")
        values, ds = values.isel(checkpoint=slice(first, None)), ds.isel(checkpoint=slice(first, None))
        noise = {name: array[..., first:] for name, array in noise.items()}
    curves = CurveSet(
        values=values.values,
        steps=ds["env_steps"].values,
        arms=tuple(map(str, ds["arm"].values)),
        seeds=tuple(map(str, ds["seed"].values)),
        value_name=curve.name,
        unit=curve.unit,
        good=_GOOD[curve.sign],
        **noise,
    )
    return Reading(curves, source, tuple(notes))


def _noise_of_run(ds: xr.Dataset, curve: Curve, values: xr.DataArray) -> dict[str, np.ndarray]:
    """Counts of a windowed percentage, the recorded standard error of a mean, none of exact probabilities."""
    metric, diagnostics = curve.metric, diagnostics_of(ds)
    if isinstance(metric.derived, Recorded):
        errors = standard_errors(ds, metric)
        return {} if errors is None else {"standard_errors": _like(values, errors)}
    if curve.counted == "exact":
        return {"standard_errors": np.where(values.notnull(), 0.0, np.nan)}
    if curve.counted != "windowed":
        return {}
    counted = fraction(metric, counts_of(ds), diagnostics)
    numerator, total = (_like(values, each) for each in counted)
    return {"successes": numerator, "totals": total}


def _like(values: xr.DataArray, array: xr.DataArray) -> np.ndarray:
    """The array in the order of the values' dimensions, NaN where they are."""
    return array.where(values.notnull()).transpose(*values.dims).values


def _of_dataset(path: Path, ds: xr.Dataset, options: ReadOptions) -> Reading:
    shaped = [str(name) for name, variable in ds.data_vars.items() if variable.ndim in (2, 3)]
    if options.value:
        name = choose(path, "variable", "value", options.value, [str(each) for each in ds.data_vars])
    elif len(shaped) == 1:
        name = shaped[0]
    else:
        raise ConfigError(
            f"{path}: holds the variables {listed(list(ds.data_vars))}, expected one: choose by --value=NAME"
        )
    variable = ds[name]
    dims = [str(dim) for dim in variable.dims]
    step = _dimension(path, dims, options.step, "step", (*STEPS, "checkpoint", "time"))
    seed = _dimension(path, dims, options.seed, "seed", SEEDS)
    others = [dim for dim in dims if dim not in (step, seed)]
    arm = options.arm or next((dim for dim in others if dim.lower() in ARMS), others[0] if len(others) == 1 else "")
    if others != [arm] * len(others):
        raise ConfigError(f"{path}: {name} has the dimensions {listed(dims)}, expected steps, seeds and perhaps arms")
    if options.standard_error:
        choose(path, "variable", "standard_error", options.standard_error, [str(each) for each in ds.data_vars])
    names = {step: "step", seed: "seed"} | ({arm: "arm"} if others else {})
    notes: tuple[str, ...] = ()
    if step not in ds.coords:
        ds = ds.assign_coords({step: np.arange(1, ds.sizes[step] + 1)})
        notes = (f"{step} has no numbers: checkpoints are numbered from 1 to {ds.sizes[step]}.",)
    renamed = ds.rename({old: new for old, new in names.items() if old != new})
    try:
        curves = to_curve_set(renamed[name], allow_missing=True)
        if options.standard_error:
            errors = to_curve_set(renamed[options.standard_error], allow_missing=True)
            curves = replace(curves, standard_errors=errors.values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return Reading(curves, "NetCDF", notes)


def _dimension(path: Path, dims: list[str], wanted: str, flag: str, usual: tuple[str, ...]) -> str:
    if wanted:
        return choose(path, "dimension", flag, wanted, dims)
    found = next((dim for dim in dims if dim.lower() in usual), None)
    if found is None:
        raise ConfigError(f"{path}: no dimension of {flag}s among {listed(dims)}: name it with --{flag}=NAME")
    return found
