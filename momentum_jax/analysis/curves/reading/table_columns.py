"""Which column of a table is what: named by the user, else by the names that such columns usually have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from momentum_jax.analysis.curves.error_columns import ERRORS, error_columns
from momentum_jax.analysis.curves.reading.checked_tables import UNNAMED, Table
from momentum_jax.analysis.curves.reading.reading import ReadOptions, choose, listed
from momentum_jax.fields import ConfigError

LOGGER_STEP = "time/total_timesteps"  # of the logger of Stable-Baselines3, whose progress.csv has a row a log
STEPS = (
    "step",
    "steps",
    "_step",
    "env_step",
    "env_steps",
    "environment_steps",
    "num_env_steps",
    "global_step",
    "timestep",
    "timesteps",
    "total_timesteps",
    LOGGER_STEP,
    "timesteps_total",
    "totalenvinteracts",
    "frame",
    "frames",
    "iteration",
    "update",
    "epoch",
)
SEEDS = ("seed", "seeds", "seed_id", "run", "run_id", "run_name", "trial", "repeat")
ARMS = ("arm", "algo", "algorithm", "method", "variant", "condition", "group", "agent")
VALUES = ("value", "return", "eval_return", "episode_return", "episodic_return", "reward", "mean_reward", "score")
COUNTS = ("successes", "totals")
_INDEX = ("index", "level_0")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of a table's columns by what they hold; empty where there is none.

    Attributes:
        counted: successes and totals stand in columns of these names, and the value is their percentage.
    """

    step: str
    value: str = ""
    seed: str = ""
    arm: str = ""
    error: str = ""
    counted: bool = False


def find_step(table: Table, options: ReadOptions) -> str:
    """The column of steps; a first column without a name is taken for it.

    Raises:
        ConfigError: there is none.
    """
    if options.step:
        return choose(table.path, "column", "step", options.step, table.columns)
    found = _usual(table.columns, STEPS)
    if found is None and table.columns[0] == "":
        found = ""
    if found is None:
        raise ConfigError(
            f"{table.path}: no column of steps; found {listed(table.columns)}, expected step or the like: "
            f"name it with --step=COLUMN, or add it"
        )
    return found


def without_row_numbers(table: Table, options: ReadOptions) -> Table:
    """The table without the leading columns that number its rows, as pandas writes them before columns of a table.

    They have no name, or are called index, and hold whole numbers that change from row to row; where no other column
    holds the steps, or the user names them, they stay.
    """
    left = table
    while len(left.columns) > 2 and _numbers_rows(left, options):
        left = replace(left, frame=left.frame.iloc[:, 1:])
    number = len(table.columns) - len(left.columns)
    if not number:
        return table
    note = f"Leading columns that number the rows were left out: {listed(table.columns[:number])}."
    return replace(left, notes=(*table.notes, note))


def _numbers_rows(table: Table, options: ReadOptions) -> bool:
    name, rest = table.columns[0], table.columns[1:]
    named = (options.value, options.seed, options.step, options.arm, options.standard_error)
    if name in filter(None, named) or not (UNNAMED.fullmatch(name) or name.lower() in _INDEX):
        return False
    if _usual(rest, STEPS) is None and options.step not in filter(None, rest):
        return False
    cells = table.frame[name]
    if not pd.api.types.is_numeric_dtype(cells):
        return False
    return bool(((cells >= 0) & (cells % 1 == 0)).all() and (cells.diff().iloc[1:] != 0).all())


def find_label(table: Table, flag: str, wanted: str, usual: Sequence[str]) -> str:
    """The column of seeds or arms; empty where there is none and none is asked for."""
    return choose(table.path, "column", flag, wanted, table.columns) if wanted else _usual(table.columns, usual) or ""


def find_value(table: Table, options: ReadOptions, taken: Iterable[str]) -> Columns | None:
    """The column of values, and what it says of their noise; the other roles stay empty.

    Returns:
        None where several columns could be meant.

    Raises:
        ConfigError: the column that the user names is not there.
    """
    names = [name for name in table.columns if name not in taken]
    if options.value:
        value = choose(table.path, "column", "value", options.value, table.columns)
    elif _usual(names, VALUES) is None and set(COUNTS) <= set(names):
        return Columns(step="", value="", counted=True)
    else:
        errors = _usual(names, ERRORS)
        numbers = [name for name in names if name != errors and pd.api.types.is_numeric_dtype(table.frame[name])]
        found = _usual(names, VALUES) or (numbers[0] if len(numbers) == 1 else names[0] if len(names) == 1 else None)
        if found is None:
            return None
        value = found
    if options.standard_error:
        error = choose(table.path, "column", "standard_error", options.standard_error, table.columns)
    else:
        # A general name belongs to the value that was found by its own, not to any that the user may name.
        error = _usual(names, [*error_columns(value), *(() if options.value else ERRORS)]) or ""
    return Columns(step="", value=value, error=error)


def _usual(names: Sequence[str], usual: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in usual if name in by_lower), None)
