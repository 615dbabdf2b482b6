"""Tables with one measurement a row, in columns of seeds, steps, values and perhaps arms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.curves.reading.checked_tables import Table
from momentum_jax.analysis.curves.reading.reading import ReadOptions, RunCurve, listed
from momentum_jax.analysis.curves.reading.run_names import ONE_ARM
from momentum_jax.analysis.curves.reading.table_columns import (
    ARMS,
    COUNTS,
    LOGGER_STEP,
    SEEDS,
    Columns,
    find_label,
    find_step,
    find_value,
)
from momentum_jax.fields import ConfigError

Floats = npt.NDArray[np.float64]


def tidy_columns(table: Table, options: ReadOptions) -> Columns | None:
    """The columns of a tidy table, or None where it has no column of seeds.

    Raises:
        ConfigError: it has one, but steps or values are not found.
    """
    seed = find_label(table, "seed", options.seed, SEEDS)
    if not seed:
        return None
    step = find_step(table, options)
    arm = find_label(table, "arm", options.arm, ARMS)
    found = find_value(table, options, (step, seed, arm))
    if found is None:
        raise value_unknown(table, (step, seed, arm))
    return replace(found, step=step, seed=seed, arm=arm)


def value_unknown(table: Table, taken: tuple[str, ...]) -> ConfigError:
    """The error of a table in which several columns could be the values."""
    others = [name for name in table.columns if name not in taken]
    return ConfigError(
        f"{table.path}: which column holds the values? found {listed(others) or 'none'}, expected one called value or "
        "the like: name it with --value=COLUMN"
    )


def read_tidy(table: Table, columns: Columns) -> tuple[list[RunCurve], list[str]]:
    """One run for each arm and seed, rows in the order of their steps, and a sentence on each change of the rows.

    Raises:
        ConfigError: a cell is no number, or a row has no seed, arm or step.
    """
    arms = _labels(table, columns.arm) if columns.arm else np.full(len(table.frame), ONE_ARM, object)
    seeds = _labels(table, columns.seed)
    codes, runs = pd.factorize(pd.Series(arms).astype("str") + "\x00" + pd.Series(seeds).astype("str"))
    order = np.argsort(codes, kind="stable")
    bounds = np.flatnonzero(np.diff(codes[order])) + 1
    arrays = column_arrays(table, columns)
    parts = {name: np.split(array[order], bounds) for name, array in arrays.items()}
    curves, notes = [], []
    for place, name in enumerate(runs):
        arm, _, seed = name.partition("\x00")
        ordered, changes = _in_order({key: part[place] for key, part in parts.items()})
        curves.append(_run(arm, seed, ordered, str(table.path)))
        notes += changes
    return curves, list(dict.fromkeys(notes))


def read_single(table: Table, columns: Columns, arm: str, seed: str) -> tuple[RunCurve, list[str]]:
    """A table of one run, and a sentence on each change of its rows."""
    arrays, dropped = column_arrays(table, columns), []
    if columns.step == LOGGER_STEP:  # a row for each time that anything was logged
        empty = np.isnan(arrays["values"])
        arrays = {name: array[~empty] for name, array in arrays.items()}
        dropped = [f"Rows without {columns.value} are steps at which it was not logged."] if empty.any() else []
    ordered, changes = _in_order(arrays)
    return _run(arm, seed, ordered, str(table.path)), [*dropped, *changes]


def _in_order(arrays: dict[str, Floats]) -> tuple[dict[str, Floats], list[str]]:
    """Rows in the order of their steps, without exact copies, and a sentence on each of the two that was needed."""
    steps, notes = arrays["steps"], []
    if (np.diff(steps) < 0).any():
        order = np.argsort(steps, kind="stable")
        arrays = {name: array[order] for name, array in arrays.items()}
        notes.append("Rows were not in the order of their steps, and were sorted.")
    same = np.ones(max(len(steps) - 1, 0), bool)
    for array in arrays.values():
        same &= (array[1:] == array[:-1]) | (np.isnan(array[1:]) & np.isnan(array[:-1]))
    if same.any():
        arrays = {name: array[np.concatenate([[True], ~same])] for name, array in arrays.items()}
        notes.append("Rows that are exact copies of another one were left out.")
    return arrays, notes


def column_arrays(table: Table, columns: Columns) -> dict[str, Floats]:
    """``steps``, ``values`` and what is known of their noise, ``[rows]``.

    Raises:
        ConfigError: a cell is no number, a row has no step, or counts are impossible.
    """
    steps = table.numbers(columns.step)
    if np.isnan(steps).any():
        place = int(np.argmax(np.isnan(steps)))
        raise table.refused(columns.step, place, "empty", "give each row its step, or drop the row")
    if columns.counted:
        successes, totals = (table.numbers(name) for name in COUNTS)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(totals > 0, 100 * successes / totals, np.nan)
        return {"steps": steps, "values": values, "successes": successes, "totals": totals}
    arrays = {"steps": steps, "values": table.numbers(columns.value)}
    return arrays | ({"standard_errors": table.numbers(columns.error)} if columns.error else {})


def _run(arm: str, seed: str, arrays: dict[str, Floats], source: str) -> RunCurve:
    noise = {name: array for name, array in arrays.items() if name not in ("steps", "values")}
    return RunCurve(arm=arm, seed=seed, steps=arrays["steps"], values=arrays["values"], noise=noise, source=source)


def _labels(table: Table, name: str) -> npt.NDArray[np.object_]:
    """A column's cells as labels: whole numbers without a decimal point."""
    column = table.frame[name]
    words = column.astype("str").str.strip()
    if pd.api.types.is_float_dtype(column):
        whole = column.mod(1).eq(0)
        words = words.where(~whole, column.where(whole, 0).astype("int64").astype("str"))
    missing = (column.isna() | words.eq("")).to_numpy(dtype=bool)
    if missing.any():
        place = int(np.argmax(missing))
        raise ConfigError(
            f"{table.path}, {table.row_word} {table.frame.index[place]}: {name} is empty, expected a label in each row"
        )
    return words.to_numpy(dtype=object)
