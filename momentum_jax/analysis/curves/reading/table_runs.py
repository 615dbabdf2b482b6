"""Runs of one or several tables: one measurement a row, one column a run, or one file a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from momentum_jax.analysis.curves.reading.checked_tables import Table, read_csv, read_parquet
from momentum_jax.analysis.curves.reading.reading import ReadOptions, RunCurve, listed
from momentum_jax.analysis.curves.reading.run_names import ONE_ARM, names_in_words, run_names
from momentum_jax.analysis.curves.reading.table_columns import (
    ARMS,
    Columns,
    find_label,
    find_step,
    find_value,
    without_row_numbers,
)
from momentum_jax.analysis.curves.reading.tidy import read_single, read_tidy, tidy_columns, value_unknown
from momentum_jax.analysis.curves.reading.wide import is_wandb, is_wide, read_wandb, read_wide
from momentum_jax.fields import ConfigError


class Runs(NamedTuple):
    """Runs as a format gives them, on steps of their own."""

    curves: list[RunCurve]
    value_name: str
    source: str
    notes: tuple[str, ...]


def read_tables(
    paths: Sequence[Path],
    contents: Sequence[bytes],
    kinds: Sequence[str],
    names: Sequence[str],
    options: ReadOptions,
) -> Runs:
    """The runs of all tables together.

    Args:
        paths: of the files.
        contents: of the files, unpacked.
        kinds: ``text`` or ``parquet``, of each.
        names: what each file is called, all different: of a file that is one run its arm and seed, of one of several
            files with many runs its arm, unless the file says the arms of its runs.
        options: which columns to take.

    Raises:
        ConfigError: a table is not one, or is not of the kind of the first.
    """
    parsed = [
        read_parquet(path, content) if kind == "parquet" else read_csv(path, content)
        for path, content, kind in zip(paths, contents, kinds, strict=True)
    ]
    parsed = [without_row_numbers(table, options) for table in parsed]
    runs = _of_tables(parsed, names, options)
    notes = dict.fromkeys((*runs.notes, *(note for table in parsed for note in table.notes)))
    return runs._replace(notes=tuple(notes))


def _of_tables(parsed: Sequence[Table], names: Sequence[str], options: ReadOptions) -> Runs:
    first = parsed[0]
    if is_wandb(first):
        return _joined([_of_wandb(table, options) for table in parsed], names)
    if tidy_columns(first, options) is not None:
        return _joined([_of_tidy(table, options) for table in parsed], names)
    if is_wide(first, options):
        return _joined([_of_wide(table, options) for table in parsed], names)
    if len(parsed) == 1:
        raise ConfigError(
            f"{first.path}: no column of seeds; found {listed(first.columns)}, expected seed or the like: name it with "
            "--seed=COLUMN, or name several files, one a seed; where each column is a run, call them seed_0, seed_1 …"
        )
    return _one_file_a_run(parsed, names, options)


def _joined(parts: Sequence[Runs], names: Sequence[str]) -> Runs:
    """The runs of several tables of one kind; a table that says no arm is an arm, called as its file."""
    curves, arms = [], list[str]()
    for part, name in zip(parts, names, strict=True):
        is_arm = len(parts) > 1 and all(curve.arm == ONE_ARM for curve in part.curves)
        curves += [replace(curve, arm=name) if is_arm else curve for curve in part.curves]
        arms += [name] if is_arm else []
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    of_files = [f"Each file is an arm, called as the file: {listed(arms)}."] if arms else []
    return Runs(curves, parts[0].value_name, parts[0].source, (*notes, *of_files))


def _of_wandb(table: Table, options: ReadOptions) -> Runs:
    runs, metric, notes = read_wandb(table, options)
    return Runs(runs, metric, f"{table.kind} exported by Weights & Biases", notes)


def _of_wide(table: Table, options: ReadOptions) -> Runs:
    runs, note = read_wide(table, options)
    return Runs(runs, "value", f"{table.kind}, one column a run", (note,))


def _of_tidy(table: Table, options: ReadOptions) -> Runs:
    columns = tidy_columns(table, options)
    if columns is None:
        raise ConfigError(f"{table.path}: no column of seeds, which the first file has; found {listed(table.columns)}")
    runs, changes = read_tidy(table, columns)
    return Runs(runs, _value_name(columns), f"tidy {table.kind}", (*_columns_note(columns), *changes))


def _one_file_a_run(tables: Sequence[Table], file_names: Sequence[str], options: ReadOptions) -> Runs:
    names = run_names(file_names)
    runs, changes = [], list[str]()
    columns = Columns(step="")
    for table, name in zip(tables, names, strict=True):
        step = find_step(table, options)
        arm = find_label(table, "arm", options.arm, ARMS)
        found = find_value(table, options, (step, arm))
        if found is None:
            raise value_unknown(table, (step, arm))
        columns = replace(found, step=step)
        run, changed = read_single(table, columns, name.arm, name.seed)
        runs.append(run)
        changes += changed
    notes = (*_columns_note(columns), names_in_words(file_names, names), *dict.fromkeys(changes))
    return Runs(runs, _value_name(columns), f"{tables[0].kind}, one file a run", notes)


def _value_name(columns: Columns) -> str:
    return "successes of totals" if columns.counted else columns.value


def _columns_note(columns: Columns) -> tuple[str, ...]:
    roles = {"seeds": columns.seed, "steps": columns.step, "arms": columns.arm, "values": _value_name(columns)}
    roles["standard errors"] = columns.error
    words = ", ".join(f"{role} from {name}" for role, name in roles.items() if name)
    return (f"Columns: {words}.",)
