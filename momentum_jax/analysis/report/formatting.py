"""Numbers and tables as text."""

from __future__ import annotations

import math
import numbers
from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.few_seeds import enough

_ABSENT = "–"
_SMALL = 2.0  # values below it have two digits
_TINY = 0.02  # values below it have as many as make two that are not 0
_FRACTIONS = 100  # steps below it keep what is behind the point
_WHOLE = (1e4, 1e10)  # between these, sentences have whole numbers
_WITH_POWER = (1e-4, 1e7)  # below the first and from the second on, powers of ten are written


# How a middle value and its two ends are named in this project's tables.
_TRIPLES = (
    ("_median", "_min", "_max"),
    ("_median", "_q25", "_q75"),
    ("_mean", "_low", "_high"),
    ("", "_low", "_high"),
)
# How tables name the number of seeds behind a row.
_COUNTS = ("pairs", "seeds")


class TextTable(NamedTuple):
    """A table as text, `x` with its two ends as one cell."""

    header: list[str]
    rows: list[list[str]]
    right: list[bool]  # by column: numbers stand at the right


def format_table(table: pd.DataFrame) -> str:
    """A table as aligned plain text, its index as the first columns, numbers to the right.

    ``x_median, x_min, x_max`` become one column ``54.9 [50.1, 60.2]``, and so do quartiles
    (``_q25, _q75``) and intervals (``_low, _high``).
    """
    cells = text_table(table)
    rows = [cells.header, *cells.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(cells.header))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, cells.right, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines) + "\n"


def format_steps(env_steps: float) -> str:
    """A step number as people write it: ``100 000``; ``0.125`` where steps are shares or epochs."""
    if abs(env_steps) < _FRACTIONS and not float(env_steps).is_integer():
        return f"{env_steps:.4g}"
    return f"{env_steps:,.0f}".replace(",", " ")


def short_steps(env_steps: float) -> str:
    """``25k`` for 25 000."""
    return f"{env_steps / 1_000:.4g}k" if abs(env_steps) >= 1_000 else f"{env_steps:g}"


def format_number(value: float, form: str = ".1f") -> str:
    """``−1.5`` with a true minus, and never a negative zero."""
    text = f"{value:{form}}"
    return text.replace("-", "" if float(text) == 0 else "−")


def with_unit(number: str, unit: str) -> str:
    """``number unit``; the number alone where there is no unit."""
    return f"{number} {unit}".rstrip()


def compact(value: float, sign: str = "") -> str:
    """Four digits, whole numbers of large values: ``0.4231``, ``25 000``, ``2.5e+12``; `sign` may be ``+``."""
    if not _WHOLE[0] <= abs(value) < _WHOLE[1]:
        return f"{value:{sign}.4g}"
    return ("+" if sign and value > 0 else "") + format_steps(value)


def in_sentence(value: float, unit: str, sign: str = "") -> str:
    """A number of a unit: percentages and points with one digit, others `compact`."""
    return f"{value:{sign}.1f}" if unit in ("%", "points") else compact(value, sign)


def in_unit(text: str, unit: str) -> str:
    """``text, unit``; the text alone of a pure number, whose unit is empty."""
    return f"{text}, {unit}" if unit else text


def format_percent(share: float) -> str:
    """``95 %``, ``99.2 %``: the digits that tell confidences of several intervals together from single ones."""
    return f"{100 * share:.4g} %" if share < 0.999 else f"{100 * share:.5g} %"


def format_range(middle: float, low: float, high: float, form: str = ".1f") -> str:
    """``54.9 [50.1, 60.2]``, the value alone where it has no interval, a dash where there is nothing."""
    if pd.isna(middle):
        return _ABSENT
    if pd.isna(low) or pd.isna(high):
        return format_number(middle, form)
    return f"{format_number(middle, form)} [{format_number(low, form)}, {format_number(high, form)}]"


def format_ranges(middles: pd.Series, lows: pd.Series, highs: pd.Series) -> list[str]:
    """A column of values with their ends; two digits where all are small (shares, R²), more where all are tiny."""
    form = _form(pd.concat([middles, lows, highs]), ".2f" if middles.abs().max() < _SMALL else ".1f")
    return [format_range(*row, form) for row in zip(middles, lows, highs, strict=True)]


def _form(values: pd.Series, usual: str) -> str:
    """How all values of a column are formatted: with two digits that are not 0 of the largest where all are tiny."""
    largest = float(values.abs().max())
    if not np.isfinite(largest) or _TINY <= largest < _WITH_POWER[1] or largest == 0:
        return usual
    return f".{1 - math.floor(math.log10(largest))}f" if _WITH_POWER[0] <= largest < _TINY else ".3g"


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The index as columns, and each value with its two ends as one column of text."""
    named = any(name is not None for name in table.index.names)
    plain = without_few_seeds(table.reset_index() if named else table)
    for name, low, high in triples(plain):
        with_ends = plain[low].notna().any() or plain[name].isna().all()
        label = f"{name} [{low.rpartition('_')[2]}, {high.rpartition('_')[2]}]" if with_ends else name
        plain[name] = format_ranges(plain[name], plain[low], plain[high])
        plain = plain.drop(columns=[low, high]).rename(columns={name: label})
    return plain


def without_few_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the intervals (``_low, _high``) of rows that stand on too few seeds or pairs."""
    reduced = table.copy()
    count = next((name for name in _COUNTS if name in table), None)
    if count is None:
        return reduced
    few = ~table[count].map(lambda seeds: enough(seeds) if pd.notna(seeds) else False).astype(bool)
    for _, low, high in triples(table):
        if low.endswith("_low"):
            reduced.loc[few, [low, high]] = np.nan
    return reduced


def triples(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Columns that are a middle value and its two ends, as this project's tables name them."""
    found = []
    for name in table.columns:
        for middle, low, high in _TRIPLES:
            base = str(name).removesuffix(middle)
            ends = (base + low, base + high)
            if name == base + middle and set(ends) <= set(table.columns):
                found.append((name, *ends))
                break
    return found


def text_table(table: pd.DataFrame) -> TextTable:
    """Header and rows of a table as text, its index as the first columns."""
    plain = _readable(table)
    columns = [_cells(plain.iloc[:, place], str(name)) for place, name in enumerate(plain.columns)]
    return TextTable(
        header=[str(name).replace("_", " ") for name in plain.columns],
        rows=[list(row) for row in zip(*columns, strict=True)],
        right=[pd.api.types.is_numeric_dtype(kind) for kind in plain.dtypes],
    )


def _cells(values: pd.Series, column: str) -> list[str]:
    form = _form(values, ".2f") if pd.api.types.is_float_dtype(values) else ".2f"
    return [_cell(value, column, form) for value in values]


def _cell(value: object, column: str, form: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or _ABSENT
    if not isinstance(value, numbers.Real) or math.isnan(value):
        return _ABSENT
    if column.endswith(("step", "steps", "step_median")):
        return format_steps(float(value))
    if column.endswith(("p_value", "p_holm", "p_adjusted")):
        return f"{float(value):.3f}" if float(value) >= 0.001 else "< 0.001"
    return str(value) if isinstance(value, numbers.Integral) else format_number(float(value), form)
