"""Runs of one or several tables: one measurement a row, one column a run, or one file a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from momentum_jax.analysis.curves.reading.checked_tables import Table, read_csv, read_parquet
from momentum_jax.analysis.curves.reading.reading import ReadOptions, RunCurve, listed
from momentum_jax.analysis.curves.reading.run_names import RunName, names_in_words
from momentum_jax.analysis.curves.reading.table_columns import ARMS, Columns, find_label, find_step, find_value
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
    names: Sequence[RunName],
    options: ReadOptions,
) -> Runs:
    """The runs of all tables together.

    Args:
        paths: of the files.
        contents: of the files, unpacked.
        kinds: ``text`` or ``parquet``, of each.
        names: arm and seed of each file, where a file is one run.
        options: which columns to take.

    Raises:
        ConfigError: a table is not one, or is not of the kind of the first.
    """
    parsed = [
        read_parquet(path, content) if kind == "parquet" else read_csv(path, content)
        for path, content, kind in zip(paths, contents, kinds, strict=True)
    ]
    first = parsed[0]
    if is_wandb(first):
        return _joined([_of_wandb(table, options) for table in parsed])
    if tidy_columns(first, options) is not None:
        return _joined(
            [_of_tidy(table, options, name, len(parsed) > 1) for table, name in zip(parsed, names, strict=True)]
        )
    if is_wide(first, options):
        return _joined([_of_wide(table, options) for table in parsed])
    if len(parsed) == 1:
        raise ConfigError(
            f"{first.path}: no column of seeds; found {listed(first.columns)}, expected seed or the like: name it with "
            "--seed=COLUMN, or name several files, one a seed; where each column is a run, call them seed_0, seed_1 …"
        )
    return _one_file_a_run(parsed, names, options)


def _joined(parts: Sequence[Runs]) -> Runs:
    """The runs of several tables of one kind."""
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Runs([curve for part in parts for curve in part.curves], parts[0].value_name, parts[0].source, notes)


def _of_wandb(table: Table, options: ReadOptions) -> Runs:
    runs, metric, note = read_wandb(table, options)
    return Runs(runs, metric, f"{table.kind} exported by Weights & Biases", (note,))


def _of_wide(table: Table, options: ReadOptions) -> Runs:
    runs, note = read_wide(table, options)
    return Runs(runs, "value", f"{table.kind}, one column a run", (note,))


def _of_tidy(table: Table, options: ReadOptions, name: RunName, one_of_several: bool) -> Runs:
    """A file of several without a column of arms is an arm, called as the file."""
    columns = tidy_columns(table, options)
    if columns is None:
        raise ConfigError(f"{table.path}: no column of seeds, which the first file has; found {listed(table.columns)}")
    runs, changes = read_tidy(table, columns)
    if one_of_several and not columns.arm:
        runs = [replace(run, arm=table.path.name.partition(".")[0]) for run in runs]
    return Runs(runs, _value_name(columns), f"tidy {table.kind}", (*_columns_note(columns), *changes))


def _one_file_a_run(tables: Sequence[Table], names: Sequence[RunName], options: ReadOptions) -> Runs:
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
    paths = [str(table.path) for table in tables]
    notes = (*_columns_note(columns), names_in_words(paths, names), *dict.fromkeys(changes))
    return Runs(runs, _value_name(columns), f"{tables[0].kind}, one file a run", notes)


def _value_name(columns: Columns) -> str:
    return "successes of totals" if columns.counted else columns.value


def _columns_note(columns: Columns) -> tuple[str, ...]:
    roles = {"seeds": columns.seed, "steps": columns.step, "arms": columns.arm, "values": _value_name(columns)}
    roles["standard errors"] = columns.error
    words = ", ".join(f"{role} from {name}" for role, name in roles.items() if name)
    return (f"Columns: {words}.",)
