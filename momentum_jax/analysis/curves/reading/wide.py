"""Tables with one column a run: plain ones, and those that Weights & Biases exports."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.reading.checked_tables import Table
from momentum_jax.analysis.curves.reading.reading import ReadOptions, RunCurve, choose, listed
from momentum_jax.analysis.curves.reading.run_names import RunName, is_numbered, names_in_words, run_names
from momentum_jax.analysis.curves.reading.table_columns import find_step
from momentum_jax.analysis.report.formatting import format_percent
from momentum_jax.fields import ConfigError

_WANDB = re.compile(r"(?P<run>.+) - (?P<metric>.+?)(?P<end>__MIN|__MAX)?")
_WANDB_STEP = "_step"
_GROUP = re.compile(r"(?P<key>[^:]*[^:\s]): .+")  # of runs with the same setting: algo: ppo
_MOSTLY = 0.5  # of a column's values


def is_wandb(table: Table) -> bool:
    """Whether Weights & Biases exported the table: ``run - metric`` beside ``run - metric__MIN``."""
    return any(name.endswith("__MIN") and _WANDB.fullmatch(name) for name in table.columns)


def is_wide(table: Table, options: ReadOptions) -> bool:
    """Whether every column beside the steps is a run's: numbered (``seed_3``, ``ppo/run_2``, ``7``), two or more."""
    if options.value or options.seed:
        return False
    step = find_step(table, options)
    names = [name for name in table.columns if name != step]
    return len(names) > 1 and all(is_numbered(name) for name in names)


def read_wandb(table: Table, options: ReadOptions) -> tuple[list[RunCurve], str, tuple[str, ...]]:
    """The runs of an export: cells that a run has left empty are steps at which it logged nothing.

    Returns:
        Runs, the metric's name, and sentences on how their names were read and on what their values are.

    Raises:
        ConfigError: several metrics and none named, or means of groups instead of runs.
    """
    found = [(match, name) for name in table.columns if (match := _WANDB.fullmatch(name)) and not match["end"]]
    metrics = list(dict.fromkeys(match["metric"] for match, _ in found if match["metric"] != _WANDB_STEP))
    if options.value:
        metric = choose(table.path, "metric", "value", options.value, metrics)
    elif len(metrics) == 1:
        metric = metrics[0]
    else:
        raise ConfigError(f"{table.path}: holds the metrics {listed(metrics)}, expected one: choose by --value=METRIC")
    columns = {match["run"]: name for match, name in found if match["metric"] == metric}
    apart = {run: _apart(table, name) for run, name in columns.items()}
    _refuse_groups(table, apart)
    runs = read_columns(table, find_step(table, options), columns, empty_is_absent=True)
    notes = [names_in_words(list(columns), [RunName(run.arm, run.seed) for run in runs])]
    run, share = max(apart.items(), key=lambda item: item[1])
    if share > 0:
        notes.append(
            f"__MIN and __MAX of {run} differ at {format_percent(share)} of its steps: values there are means over "
            "what was logged in between, or over runs where the export is grouped."
        )
    return runs, metric, tuple(notes)


def _apart(table: Table, column: str) -> float:
    """The share of a column's values whose extremes in the export differ; 0 where it has no extremes."""
    ends = [f"{column}{end}" for end in ("__MIN", "__MAX")]
    if not set(ends) <= set(table.columns):
        return 0.0
    least, most = (pd.to_numeric(table.frame[name], errors="coerce").to_numpy(np.float64) for name in ends)
    known = np.isfinite(least) & np.isfinite(most)
    return float((~np.isclose(least[known], most[known], rtol=1e-9, atol=0.0)).mean()) if known.any() else 0.0


def _refuse_groups(table: Table, apart: dict[str, float]) -> None:
    """Refuses lines that are means over runs.

    Lines of runs grouped by a setting are called ``setting: value``. They may also have names of their own; then no
    name has a number, as runs have, and the extremes differ nearly everywhere, as those of different runs do.

    Args:
        table: for the message.
        apart: the share of values with different extremes, by what a line is called.
    """
    keys = {match["key"] if (match := _GROUP.fullmatch(line)) else "" for line in apart}
    key = keys.pop() if len(keys) == 1 else ""
    named = key.lower() == "group" or (key and max(apart.values()) > 0)
    if named or (not re.search(r"\d", "".join(apart)) and min(apart.values()) > _MOSTLY):
        first = next(iter(apart))
        raise ConfigError(
            f"{table.path}: {first!r} is a mean over runs by its name or by its __MIN and __MAX, expected one column a "
            "run: remove the grouping in the workspace and export again; where it is one run, call it such as ppo_seed0"
        )


def read_wide(table: Table, options: ReadOptions) -> tuple[list[RunCurve], str]:
    """The runs of a table with one column each, and a sentence on how their names were read."""
    step = find_step(table, options)
    columns = {name: name for name in table.columns if name != step}
    runs = read_columns(table, step, columns, empty_is_absent=False)
    return runs, names_in_words(list(columns), [RunName(run.arm, run.seed) for run in runs])


def read_columns(table: Table, step: str, columns: dict[str, str], empty_is_absent: bool) -> list[RunCurve]:
    """One run a column.

    Args:
        table: has them.
        step: the column of steps.
        columns: by what a run is called.
        empty_is_absent: an empty cell is a step that the run has not, rather than a missing value.
    """
    steps = table.numbers(step)
    if np.isnan(steps).any():
        place = int(np.argmax(np.isnan(steps)))
        raise table.refused(step, place, "empty", "give each row its step, or drop the row")
    curves = []
    for name, column in zip(run_names(list(columns)), columns.values(), strict=True):
        values = table.numbers(column)
        there = ~np.isnan(values) if empty_is_absent else np.full(len(values), True)
        source = f"{table.path}, column {column}"
        curves.append(RunCurve(arm=name.arm, seed=name.seed, steps=steps[there], values=values[there], source=source))
    return curves
