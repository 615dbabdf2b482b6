"""CSV and Parquet as tables whose cells are checked: delimiter and decimal mark are found, text is refused."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.curves.reading.contents import decoded
from momentum_jax.analysis.curves.reading.decimal_marks import (
    EMPTY,
    advice_on,
    decimal_commas,
    may_hold_thousands,
    point_between_thousands,
)
from momentum_jax.analysis.curves.reading.reading import listed
from momentum_jax.fields import ConfigError

Floats = npt.NDArray[np.float64]

_DELIMITERS = ",;\t|"
_NUMBER = r"[+-]?[\d.]+(?:[eE][+-]?\d+)?"
UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?|")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read.

    Attributes:
        path: the file.
        frame: its cells, indexed by the row's place in the file; names of columns are text without spaces around.
        row_word: what a row's place is called.
        kind: ``CSV`` or ``Parquet``.
        notes: what was derived in reading it, a sentence each.
        doubtful: a line and its cell by the column of which points may be decimal marks or stand between thousands.
    """

    path: Path
    frame: pd.DataFrame
    row_word: str
    kind: str
    notes: tuple[str, ...] = ()
    doubtful: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Names in the file's order; a column without a name is called ""."""
        return [str(name) for name in self.frame.columns]

    def numbers(self, name: str) -> Floats:
        """A column ``[rows]``, empty cells as NaN.

        Raises:
            ConfigError: a cell that is no number, may be either of two, or is infinite.
        """
        if name in self.doubtful:
            line, cell = self.doubtful[name]
            advice = (
                f"others of the column are whole, so it may be {cell.replace('.', '')}: write nothing between "
                "thousands, or separate the cells by commas where points are decimal marks"
            )
            raise self.refused(name, int(np.argmax(self.frame.index == line)), repr(cell), advice)
        column = self.frame[name]
        values = pd.to_numeric(column, errors="coerce")
        if values.isna().any():
            values = self._with_words(name, column, values)
        found = values.to_numpy(dtype="float64", na_value=np.nan)
        if np.isinf(found).any():
            place = int(np.argmax(np.isinf(found)))
            raise self.refused(name, place, found[place], "leave it empty where nothing was measured")
        return found

    def _with_words(self, name: str, column: pd.Series, values: pd.Series) -> pd.Series:
        """The values, where each cell that is no number holds nothing or nan."""
        text = column.astype("str").str.strip()
        nothing = column.isna() | text.isin(EMPTY) | (text.str.lower() == "nan")
        wrong = (values.isna() & ~nothing).to_numpy(dtype=bool)
        if wrong.any():
            place = int(np.argmax(wrong))
            raise self.refused(name, place, repr(column.iloc[place]), advice_on(text.iloc[place]))
        return values

    def refused(self, name: str, place: int, found: object, advice: str) -> ConfigError:
        """The error of a cell that is no number."""
        return ConfigError(
            f"{self.path}, {self.row_word} {self.frame.index[place]}: {name or '(no name)'} is {found}, expected a "
            f"number: {advice}"
        )


def read_csv(path: Path, content: bytes) -> Table:
    """A table in text: commas, semicolons, tabs or bars between cells.

    Raises:
        ConfigError: it is no table, has no row, or its columns have no or equal names.
    """
    text = decoded(path, content)
    place, header = next((place, line) for place, line in enumerate(text.splitlines()) if line.strip())
    delimiter = Counter(char for char in _unquoted(header) if char in _DELIMITERS).most_common(1)
    if not delimiter:
        raise ConfigError(
            f"{path}: the first line is {header[:60]!r}, expected names of columns such as step,seed,value: separate "
            "them by commas, semicolons, tabs or bars, and remove lines above them"
        )
    separator = delimiter[0][0]
    names = _checked_names(path, [name.strip() for name in next(csv.reader([header], delimiter=separator))])
    rows = Rows(path, text, place + 1, len(names), separator)
    frame = rows.parsed()
    commas = decimal_commas(frame) if separator != "," else {}
    if commas:
        frame[list(commas)] = rows.parsed(decimal=",")[list(commas)]
    points = rows.doubtful(frame) if separator != "," and not commas else {}
    frame.columns = pd.Index(names)
    frame.index = pd.RangeIndex(place + 2, len(frame) + place + 2)
    cells = [f"{cell} in {names[column]} is {cell.replace(',', '.')}" for column, cell in commas.items()]
    notes = (f"Commas in numbers are decimal marks: {listed(cells)}.",) if cells else ()
    doubtful = {names[column]: (row + place + 2, cell) for column, (row, cell) in points.items()}
    return Table(path, _with_rows(path, frame.dropna(how="all")), "line", "CSV", notes, doubtful)


def read_parquet(path: Path, content: bytes) -> Table:
    """A Parquet file; an index with names becomes columns.

    Raises:
        ConfigError: it is damaged, has no row, or its columns have no or equal names.
    """
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # pyarrow's errors have no common kind
        why = " ".join(str(error).split())[:120]
        raise ConfigError(f"{path}: cannot be read as Parquet ({why}), expected a whole file: write it again") from None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index(allow_duplicates=True)
    frame.columns = pd.Index(_checked_names(path, [str(name).strip() for name in frame.columns]))
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Table(path, _with_rows(path, frame), "row", "Parquet")


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


class Rows(NamedTuple):
    """The rows of a table in text, below its header."""

    path: Path
    text: str
    header_lines: int
    columns: int
    separator: str

    def doubtful(self, frame: pd.DataFrame) -> dict[int, tuple[int, str]]:
        """Row and text of a cell whose point may stand between thousands, by the columns that have such."""
        places = may_hold_thousands(frame)
        text = self.parsed(as_text=True) if places else frame
        found = {place: point_between_thousands(text[place]) for place in places}
        return {place: cell for place, cell in found.items() if cell is not None}

    def parsed(self, decimal: str = ".", as_text: bool = False) -> pd.DataFrame:
        """Cells by the place of their column; blank lines are rows of NaN, so that the index counts lines."""
        with warnings.catch_warnings():
            # Rows longer than the header would otherwise lose their last cells with no more than a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            try:
                return pd.read_csv(
                    io.StringIO(self.text),
                    sep=self.separator,
                    decimal=decimal,
                    header=None,
                    names=list(range(self.columns)),
                    skiprows=self.header_lines,
                    skip_blank_lines=False,
                    index_col=False,
                    low_memory=False,
                    keep_default_na=False,
                    na_values=EMPTY,
                    dtype="str" if as_text else None,
                )
            except pd.errors.EmptyDataError:
                return pd.DataFrame(columns=range(self.columns))
            except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
                why = " ".join(str(error).removeprefix("Error tokenizing data. C error:").split())
                raise ConfigError(
                    f"{self.path}: is no table ({why}), expected rows as long as the header line"
                ) from None


def _checked_names(path: Path, names: list[str]) -> list[str]:
    unnamed = [place for place, name in enumerate(names) if UNNAMED.fullmatch(name)]
    # A table that pandas read and wrote again has several; all but the first keep what they are called.
    plain = ["" if place in unnamed[:1] else name for place, name in enumerate(names)]
    if all(re.fullmatch(_NUMBER, name) for name in plain):
        raise ConfigError(
            f"{path}: the first line is {listed(plain)}, expected names of columns such as step,seed,value: add them"
        )
    twice = next((name for place, name in enumerate(plain) if name in plain[:place]), None)
    if twice is not None:
        raise ConfigError(f"{path}: column {twice or '(no name)'} occurs twice, expected different names: rename one")
    return plain


def _with_rows(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        raise ConfigError(f"{path}: holds no row below the names {listed(list(frame.columns))}, expected one a step")
    return frame
