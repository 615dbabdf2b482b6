"""What a comma or a point in a number is: a decimal mark, or one between thousands.

Three digits behind the only mark, as in ``2,990``, may be either. A cell such as ``0,5`` or ``2990,5`` shows that the
commas of its table are decimal marks; where no cell does, nothing is assumed.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

EMPTY = ["", "NA", "N/A", "NULL", "null", "None", "<NA>"]
_COMMA = r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?"
_GROUP_BEHIND_COMMA = r"[+-]?[1-9]\d{0,2},\d{3}"
_GROUP_BEHIND_POINT = r"[+-]?[1-9]\d{0,2}\.\d{3}"
_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def decimal_commas(frame: pd.DataFrame) -> dict[int, str]:
    """The columns in which commas are decimal marks, by their places, with a cell of each that has one.

    Args:
        frame: cells, numbers with a decimal point already read.

    Returns:
        Nothing where commas may as well stand between thousands.
    """
    found, proved = dict[int, str](), False
    for place in range(frame.shape[1]):
        if pd.api.types.is_numeric_dtype(frame[place]):
            continue
        text = frame[place].astype("str").str.strip()
        cells = text[text.str.fullmatch(_COMMA)]
        proved |= bool((~cells.str.fullmatch(_GROUP_BEHIND_COMMA)).any())
        if len(cells):
            found[place] = str(cells.iloc[0])
    return found if proved else {}


def may_hold_thousands(frame: pd.DataFrame) -> list[int]:
    """Places of columns whose points may stand between thousands, by the numbers that they would be as decimals."""
    floats = [place for place in range(frame.shape[1]) if pd.api.types.is_float_dtype(frame[place])]
    return [place for place in floats if _in_thousandths(frame[place].dropna().to_numpy())]


def _in_thousandths(values: np.ndarray) -> bool:
    parts = 1000 * values
    return bool(len(values) and (np.abs(values) < 1000).all() and (np.abs(parts - np.round(parts)) < 1e-6).all())


def point_between_thousands(text: pd.Series) -> tuple[int, str] | None:
    """Index and text of the first cell of a column whose points may all stand between thousands.

    They may where each has three digits behind it, and other cells have none: decimals are written alike in all.
    """
    cells = text.dropna().astype("str").str.strip()
    pointed = cells.str.contains(".", regex=False)
    if pointed.all() or not pointed.any() or not cells[pointed].str.fullmatch(_GROUP_BEHIND_POINT).all():
        return None
    first = cells[pointed]
    return int(np.asarray(first.index)[0]), str(first.iloc[0])


def advice_on(cell: str) -> str:
    """What to do about a cell that is no number."""
    advice = "write a decimal point in all numbers, and nothing between thousands"
    if re.fullmatch(_GROUP_BEHIND_COMMA, cell):
        return f"it may be {cell.replace(',', '')} or {cell.replace(',', '.')}: {advice}"
    if re.fullmatch(_COMMA, cell) or _GROUPS.fullmatch(cell):
        return advice
    return "correct the cell, or name another column"
