"""Whether a line of a table names its columns or is a row of values."""

import itertools
import re
from collections.abc import Sequence

from momentum_jax.market.files.time_forms import time_forms

NUMBER = r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?"
_CELLS_OF_A_BAR = 5
_NUMBERS_OF_A_BAR = 4


def numbers_among(cells: Sequence[str]) -> list[str]:
    """The cells that are written as numbers, with any decimal mark."""
    return [cell.strip() for cell in cells if re.fullmatch(NUMBER, cell.strip())]


def is_bar(cells: Sequence[str]) -> bool:
    """Whether a line may hold a bar: four numbers and something else beside them."""
    numbers = numbers_among(cells)
    enough = len(cells) >= _CELLS_OF_A_BAR and len(numbers) >= _NUMBERS_OF_A_BAR
    return enough and not _counts_up(numbers)


def first_bar(rows: Sequence[Sequence[str]]) -> tuple[int, bool] | None:
    """Place of the first bar among the lines of a text, and whether the line above names its columns.

    None where no line may hold a bar.
    """
    place = next((place for place, cells in enumerate(rows) if is_bar(cells)), None)
    if place is None:
        return None
    above = rows[place - 1] if place else []
    return place, len(above) == len(rows[place]) and not is_row(above)


def is_row(cells: Sequence[str]) -> bool:
    """Whether a line where names of columns are expected holds values: a bar, or a stamp and a number beside it."""
    if is_bar(cells):
        return True
    stamps = [place for place, cell in enumerate(cells) if time_forms([cell], needs_time=False) or time_forms([cell])]
    numbers = [place for place, cell in enumerate(cells) if numbers_among([cell])]
    return any(stamp != number for stamp in stamps for number in numbers)


def _counts_up(numbers: Sequence[str]) -> bool:
    """Columns that were never named are often numbered: 0, 1, 2, … can be no open, high, low and close."""
    return all(number.isdigit() for number in numbers) and all(
        int(after) == int(before) + 1 for before, after in itertools.pairwise(numbers)
    )
