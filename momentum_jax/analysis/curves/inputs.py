"""Curves from what a user has in hand: arrays, data arrays, tidy tables, one of these for each arm, or a `CurveSet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.curves.curve_set import NOISE_ARRAYS, CurveSet, Floats, as_numbers, first_place
from momentum_jax.analysis.curves.error_columns import ERRORS, error_columns
from momentum_jax.analysis.curves.joined_arms import joined_arms
from momentum_jax.fields import ConfigError

COLUMNS = ("seed", "step", "value")
_COUNTS = ("successes", "totals")
_STEP_NAMES = ("env_steps", "step", "steps", "checkpoint")

Curves = CurveSet | xr.DataArray | pd.DataFrame | Mapping[str, Any] | npt.ArrayLike


def to_curve_set(
    curves: Curves,
    *,
    steps: npt.ArrayLike | None = None,
    arms: Sequence[str] | None = None,
    seeds: Sequence[object] | None = None,
    allow_missing: bool = False,
) -> CurveSet:
    """Takes curves in any of the forms that `momentum_jax.dips.analyze` accepts.

    Args:
        curves: see `analyze`.
        steps: ``[K]``, for arrays without steps of their own.
        arms: names, for arrays without them.
        seeds: labels, for arrays without them.
        allow_missing: whether a seed may lack values (NaN, or a shorter curve).

    Raises:
        ConfigError: the curves do not fit, or a value is missing that may not be.
    """
    if isinstance(curves, (CurveSet, pd.DataFrame, xr.DataArray)):
        twice = [name for name, given in (("steps", steps), ("arms", arms), ("seeds", seeds)) if given is not None]
        if twice:
            kind = type(curves).__name__
            raise ConfigError(f"{twice[0]}: found beside a {kind}, which has its own; leave the argument out")
    if isinstance(curves, CurveSet):
        found = curves
    elif isinstance(curves, pd.DataFrame):
        found = from_table(curves)
    elif isinstance(curves, xr.DataArray):
        found = _from_data_array(curves)
    elif isinstance(curves, Mapping):
        found = _from_mapping(curves, steps, seeds, allow_missing)
    else:
        found = _from_array(curves, steps, arms, seeds, allow_missing)
    found = _without_empty_seeds(found) if allow_missing else found
    _check_complete(found, allow_missing)
    return found


def with_standard_errors(curves: CurveSet, errors: npt.ArrayLike) -> CurveSet:
    """The curves with the same standard error everywhere, or with one for each value.

    Args:
        curves: any.
        errors: a number, or an array of the values' shape; of one arm without the arm.

    Raises:
        ConfigError: it has another shape.
    """
    array, shape = as_numbers(errors, "noise"), curves.values.shape
    try:
        wide = np.broadcast_to(array, shape)
    except ValueError:
        raise ConfigError(
            f"noise: found an array {array.shape}, expected standard errors {shape} or a number"
        ) from None
    return replace(curves, standard_errors=np.where(curves.known, wide, np.nan))


def from_table(table: pd.DataFrame, value_name: str = "value", unit: str = "") -> CurveSet:
    """Curves from a tidy table.

    Args:
        table: one row a value, columns ``seed, step, value`` and, where they are known, ``arm``, ``value_se`` (or
            another of `error_columns`), ``successes`` and ``totals``. What an arm's seed has no row for is missing.
        value_name: what the values are.
        unit: of the values.

    Raises:
        ConfigError: a column is absent or no number, or a value is there twice.
    """
    absent = [name for name in COLUMNS if name not in table]
    if absent:
        have = ", ".join(map(str, table.columns))
        raise ConfigError(
            f"table: found the columns {have}, expected {', '.join(COLUMNS)} (and arm); absent: {absent[0]}"
        )
    if not len(table):
        raise ConfigError("table: found no rows, expected one for each value")
    numbers = {name: _column(table, name) for name in ("step", "value", *_COUNTS) if name in table}
    errors = next((name for name in (*error_columns("value"), *ERRORS) if name in table), None)
    if errors is not None:
        numbers["standard_errors"] = _column(table, errors)
    arm = table["arm"].astype(str) if "arm" in table else pd.Series("all", index=table.index)
    keys = pd.DataFrame({"arm": arm, "seed": table["seed"].map(str), "step": numbers["step"]})
    if not np.isfinite(numbers["step"]).all():
        raise ConfigError("table: found a step that is not finite, expected a number in every row")
    twice = keys[keys.duplicated()]
    if len(twice):
        row = twice.iloc[0]
        raise ConfigError(f"table: found two values of arm {row['arm']!r}, seed {row['seed']}, step {row['step']:g}")
    arms, seeds = list(dict.fromkeys(keys["arm"])), list(dict.fromkeys(keys["seed"]))
    steps, column = np.unique(keys["step"], return_inverse=True)
    place = (
        keys["arm"].map(arms.index).to_numpy(),
        keys["seed"].map({s: i for i, s in enumerate(seeds)}).to_numpy(),
        column,
    )
    arrays: dict[str, Any] = {}
    for name, values in numbers.items():
        if name != "step":
            array = np.full((len(arms), len(seeds), len(steps)), np.nan)
            array[place] = values
            arrays["values" if name == "value" else name] = array
    return CurveSet(**arrays, steps=steps, arms=tuple(arms), seeds=tuple(seeds), value_name=value_name, unit=unit)


def _column(table: pd.DataFrame, name: str) -> Floats:
    try:
        return pd.to_numeric(table[name]).to_numpy(np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"table: found something that is no number in column {name!r}, expected numbers") from None


def _from_data_array(curves: xr.DataArray) -> CurveSet:
    """Dimensions are known by their names: ``arm`` (may be absent), ``seed``, and one of steps."""
    rest = [str(name) for name in curves.dims if name not in ("arm", "seed")]
    if "seed" not in curves.dims or len(rest) != 1:
        raise ConfigError(f"DataArray: found the dimensions {curves.dims}, expected seed, one of steps, and maybe arm")
    named = curves if "arm" in curves.coords else curves.assign_coords(arm="all")
    wide = named if "arm" in curves.dims else named.expand_dims("arm")
    wide = wide.transpose("arm", "seed", rest[0])
    names = [name for name in (*_STEP_NAMES, rest[0]) if name in wide.coords and wide[name].dims == (rest[0],)]
    labels = {
        name: tuple(str(label) for label in (wide[name].values if name in wide.coords else range(wide.sizes[name])))
        for name in ("arm", "seed")
    }
    steps = wide[names[0]].values if names else np.arange(wide.sizes[rest[0]])
    way = {1: "up", -1: "down"}.get(curves.attrs.get("good_direction", 0), "")
    unit = str(curves.attrs.get("units", ""))
    return CurveSet(
        values=wide.values,
        steps=as_numbers(steps, "steps"),
        arms=labels["arm"],
        seeds=labels["seed"],
        value_name=str(curves.name or curves.attrs.get("long_name", "value")),
        unit="" if unit == "1" else unit,
        good=way,
    )


def _from_mapping(
    curves: Mapping[str, Any], steps: npt.ArrayLike | None, seeds: Sequence[object] | None, allow_missing: bool
) -> CurveSet:
    """One form of curves for each arm."""
    if not curves:
        raise ConfigError("curves: found no arm, expected one or more")
    own = (CurveSet, pd.DataFrame, xr.DataArray)
    parts = {
        str(arm): to_curve_set(each, allow_missing=True)
        if isinstance(each, own)
        else _from_array(each, steps, (str(arm),), seeds, allow_missing)
        for arm, each in curves.items()
    }
    return joined_arms(parts)


def _from_array(
    curves: Any,
    steps: npt.ArrayLike | None,
    arms: Sequence[str] | None,
    seeds: Sequence[object] | None,
    allow_missing: bool,
) -> CurveSet:
    """``[K]``, ``[seed, K]`` or ``[arm, seed, K]``; a list of curves may have unequal lengths where that is allowed."""
    values = _padded(curves, allow_missing)
    if values.ndim not in (1, 2, 3):
        raise ConfigError(f"curves have shape {values.shape}, expected [K], [seed, K] or [arm, seed, K]")
    values = values.reshape((1,) * (3 - values.ndim) + values.shape)
    names = arms or (("all",) if len(values) == 1 else tuple(f"arm {index}" for index in range(len(values))))
    labels = tuple(str(seed) for seed in (range(values.shape[1]) if seeds is None else seeds))
    clock = np.arange(values.shape[2]) if steps is None else steps
    return CurveSet(values=values, steps=as_numbers(clock, "steps"), arms=tuple(names), seeds=labels)


def _padded(curves: Any, allow_missing: bool) -> Floats:
    """The array; curves of a list that end early are filled up with NaN where that is allowed."""
    if not isinstance(curves, (list, tuple)) or not all(np.ndim(row) == 1 for row in _rows(curves)):
        return as_numbers(curves, "curves")
    rows = [as_numbers(row, "curves") for row in curves]
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1 and not allow_missing:
        odd = next(place for place, length in enumerate(lengths) if length != lengths[0])
        raise ConfigError(
            f"curves: found {lengths[0]} values of the first seed and {lengths[odd]} of seed number {odd}, expected "
            "equal lengths; pass allow_missing=True if seeds may end early"
        )
    return np.array([np.pad(row, (0, max(lengths) - len(row)), constant_values=np.nan) for row in rows])


def _rows(curves: Sequence[Any]) -> list[Any]:
    """The entries, as far as each is an array by itself."""
    try:
        return [np.asarray(row, np.float64) for row in curves]
    except (TypeError, ValueError):
        return []  # ragged further down: reported by `as_numbers`


def _without_empty_seeds(curves: CurveSet) -> CurveSet:
    """Without the seeds that have no value in any arm; all of them where that would be none."""
    kept = np.asarray(curves.ran.any(axis=0))
    if kept.all() or not kept.any():
        return curves
    arrays = {name: getattr(curves, name)[:, kept] for name in NOISE_ARRAYS if getattr(curves, name) is not None}
    seeds = tuple(label for label, keep in zip(curves.seeds, kept, strict=True) if keep)
    return replace(curves, values=curves.values[:, kept], seeds=seeds, **arrays)


def _check_complete(curves: CurveSet, allow_missing: bool) -> None:
    """Refuses a missing value where that is not allowed, and a seed or an arm without any value."""
    empty = np.flatnonzero(~curves.ran.any(axis=0))
    if len(empty):
        raise ConfigError(
            f"seed {curves.seeds[empty[0]]}: found no value at all, expected one or more: leave the "
            "seed out, or pass allow_missing=True, which does"
        )
    idle = np.flatnonzero(~curves.ran.any(axis=1))
    if len(idle):
        raise ConfigError(f"arm {curves.arms[idle[0]]!r}: found no value at all, expected one or more")
    place = first_place(~curves.known & curves.ran[:, :, None])
    if place is not None and not allow_missing:
        raise ConfigError(
            f"{curves.place_in_words(place)}: found nan, expected a number; "
            "pass allow_missing=True if seeds may lack values"
        )
