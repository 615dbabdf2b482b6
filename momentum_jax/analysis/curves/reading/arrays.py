"""NumPy's files: npz with values, steps, arms and seeds by name, and npy with values alone. Nothing is unpickled."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.curves.curve_set import NOISE_ARRAYS, CurveSet
from momentum_jax.analysis.curves.reading.reading import Reading, ReadOptions, RunCurve, choose, listed
from momentum_jax.analysis.curves.reading.table_columns import STEPS, VALUES
from momentum_jax.fields import ConfigError

Floats = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

_SHAPES = "[seed, K] or [arm, seed, K]"
_EVALUATIONS = ("timesteps", "results")


def read_arrays_file(path: Path, content: bytes) -> Arrays:
    """The arrays of an npz by name, or of an npy as ``values``.

    Raises:
        ConfigError: the file is damaged, or holds objects.
    """
    try:
        # Never allow_pickle: an object array can run any program.
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        return {"values": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except Exception as error:  # a damaged header fails in the parser of Python itself
        if "Object arrays" in str(error) or "allow_pickle" in str(error):
            raise ConfigError(
                f"{path}: holds an array of objects, which is never unpickled, expected numbers: save rows of equal "
                "lengths, with NaN where a value is missing"
            ) from None
        why = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"{path}: cannot be read as NumPy arrays ({why}), expected a whole file: write it again"
        ) from None


def is_evaluations(arrays: Arrays) -> bool:
    """Whether Stable-Baselines3's EvalCallback wrote them."""
    return set(_EVALUATIONS) <= set(arrays)


def read_evaluations(path: Path, arrays: Arrays, arm: str, seed: str) -> RunCurve:
    """One run's evaluations: means over the episodes of each, which are kept as replicates.

    Raises:
        ConfigError: the two arrays do not fit.
    """
    steps, results = (_numbers(path, name, arrays[name]) for name in _EVALUATIONS)
    if results.ndim != 2 or steps.shape != results.shape[:1] or not results.size:
        raise ConfigError(
            f"{path}: timesteps {list(steps.shape)} and results {list(results.shape)}, expected [K] and [K, episodes]"
        )
    return RunCurve(
        arm=arm,
        seed=seed,
        steps=steps,
        values=results.mean(axis=1),
        noise={"replicates": results.T} if results.shape[1] > 1 else {},
        source=str(path),
    )


def read_arrays(path: Path, arrays: Arrays, options: ReadOptions) -> Reading:
    """Curves of one file that holds all seeds.

    Raises:
        ConfigError: the arrays are not there, or do not fit.
    """
    name = _values_name(path, arrays, options)
    values = _numbers(path, name, arrays[name])
    if values.ndim not in (2, 3):
        raise ConfigError(f"{path}: {name} has shape {list(values.shape)}, expected {_SHAPES}")
    lead = (1,) * (3 - values.ndim)
    shape = (*lead, *values.shape)
    steps, notes = _steps(path, arrays, options, shape[-1])
    noise: dict[str, Any] = {
        key: _numbers(path, key, arrays[key]).reshape(*lead, *arrays[key].shape)
        for key in NOISE_ARRAYS
        if key in arrays and key != name
    }
    if options.standard_error:
        chosen = choose(path, "array", "standard_error", options.standard_error, list(arrays))
        noise["standard_errors"] = _numbers(path, chosen, arrays[chosen]).reshape(*lead, *arrays[chosen].shape)
    labels: dict[str, Any] = {}
    for role, flag in (("arms", options.arm), ("seeds", options.seed)):
        key = choose(path, "array", role[:-1], flag, list(arrays)) if flag else role
        if key in arrays:
            labels[role] = tuple(str(label) for label in np.atleast_1d(arrays[key]).ravel())
    try:
        curves = CurveSet(
            values=values.reshape(shape),
            steps=steps,
            value_name=name if name != "values" else "value",
            **noise,
            **labels,
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return Reading(curves, f"NumPy {'arrays' if len(arrays) > 1 else 'array'}", notes)


def _values_name(path: Path, arrays: Arrays, options: ReadOptions) -> str:
    if options.value:
        return choose(path, "array", "value", options.value, list(arrays))
    taken = {*NOISE_ARRAYS, "arms", "seeds", *STEPS}
    named = [name for name in ("values", *VALUES) if name in arrays]
    shaped = [name for name, array in arrays.items() if array.ndim in (2, 3) and name not in taken]
    found = named[:1] or (shaped if len(shaped) == 1 else [])
    if not found:
        held = [f"{name} {list(array.shape)}" for name, array in arrays.items()]
        raise ConfigError(
            f"{path}: holds {listed(held) or 'nothing'}, expected values {_SHAPES}, with steps [K], arms and seeds "
            "beside: choose by --value=NAME"
        )
    return found[0]


def _steps(path: Path, arrays: Arrays, options: ReadOptions, number: int) -> tuple[Floats, tuple[str, ...]]:
    if options.step:
        name = choose(path, "array", "step", options.step, list(arrays))
    else:
        found = next((key for key in STEPS if key in arrays), None)
        if found is None:
            note = f"The file has no steps: checkpoints are numbered from 1 to {number}, and steps mean these numbers."
            return np.arange(1.0, number + 1), (note,)
        name = found
    return _numbers(path, name, arrays[name]), ()


def _numbers(path: Path, name: str, array: npt.NDArray[Any]) -> Floats:
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"{path}: {name} holds {array.dtype}, expected numbers")
    return array.astype(np.float64)
