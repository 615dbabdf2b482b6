"""CSV and Parquet as tables whose cells are checked: delimiter and decimal mark are found, text is refused."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.curves.reading.contents import decoded
from momentum_jax.analysis.curves.reading.reading import listed
from momentum_jax.fields import ConfigError

Floats = npt.NDArray[np.float64]

_DELIMITERS = ",;\t|"
_DECIMAL_COMMA = r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?"
_NUMBER = r"[+-]?[\d.]+(?:[eE][+-]?\d+)?"
_EMPTY = ["", "NA", "N/A", "NULL", "null", "None", "<NA>"]
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?|")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read.

    Attributes:
        path: the file.
        frame: its cells, indexed by the row's place in the file; names of columns are text without spaces around.
        row_word: what a row's place is called.
        kind: ``CSV`` or ``Parquet``.
    """

    path: Path
    frame: pd.DataFrame
    row_word: str
    kind: str

    @property
    def columns(self) -> list[str]:
        """Names in the file's order; a column without a name is called ""."""
        return [str(name) for name in self.frame.columns]

    def numbers(self, name: str) -> Floats:
        """A column ``[rows]``, empty cells as NaN.

        Raises:
            ConfigError: a cell that is no number, or an infinite one.
        """
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
        """The values, where each cell that is no number holds nothing, nan, or a number with a decimal comma."""
        text = column.astype("str").str.strip()
        nothing = column.isna() | text.isin(_EMPTY) | (text.str.lower() == "nan")
        wrong = (values.isna() & ~nothing).to_numpy(dtype=bool)
        if wrong.any():
            place = int(np.argmax(wrong))
            comma = re.fullmatch(_DECIMAL_COMMA, text.iloc[place]) is not None
            advice = "correct the cell, or name another column"
            if comma:
                advice = "write a decimal point in all numbers, and nothing between thousands"
            raise self.refused(name, place, repr(column.iloc[place]), advice)
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
    rows = Rows(text, place + 1, len(names), separator)
    frame = rows.parsed(path, ".")
    if separator != "," and _has_decimal_commas(frame):
        frame = rows.parsed(path, ",")
    frame.columns = pd.Index(names)
    frame.index = pd.RangeIndex(place + 2, len(frame) + place + 2)
    return Table(path, _with_rows(path, frame.dropna(how="all")), "line", "CSV")


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

    text: str
    header_lines: int
    columns: int
    separator: str

    def parsed(self, path: Path, decimal: str) -> pd.DataFrame:
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
                    na_values=_EMPTY,
                )
            except pd.errors.EmptyDataError:
                return pd.DataFrame(columns=range(self.columns))
            except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
                why = " ".join(str(error).removeprefix("Error tokenizing data. C error:").split())
                raise ConfigError(f"{path}: is no table ({why}), expected rows as long as the header line") from None


def _has_decimal_commas(frame: pd.DataFrame) -> bool:
    words = frame.select_dtypes(exclude="number")
    return any(words[name].astype("str").str.strip().str.fullmatch(_DECIMAL_COMMA).any() for name in words)


def _checked_names(path: Path, names: list[str]) -> list[str]:
    plain = ["" if _UNNAMED.fullmatch(name) else name for name in names]
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
