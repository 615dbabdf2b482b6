"""CSV and Parquet tables of which every cell can be traced back to its row in the file."""

import csv
import re
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.formats import HEADERLESS_COLUMNS, FileFormat
from momentum_jax.market.stamps import exchange_stamps

STAMP_COLUMNS = ("datetime", "timestamp", "date", "time")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file it came from.
        frame: its cells; lower-case column names, indexed by the row's 1-based place in the file.
        form: how the file is written.
    """

    path: Path
    frame: pd.DataFrame
    form: FileFormat

    @property
    def row_word(self) -> str:
        """What a row's place is called: "line" (CSV, header counted) or "row" (Parquet)."""
        return "line" if self.form.kind == "csv" else "row"

    def row_name(self, position: int) -> str:
        """How a user finds the row at a position of the frame, e.g. "line 57"."""
        return f"{self.row_word} {self.frame.index[position]}"

    def require(self, names: tuple[str, ...]) -> None:
        """Raises DataError, with what was found and what is wanted, unless the columns are there."""
        missing = [name for name in names if name not in self.frame.columns]
        if missing:
            raise DataError(
                f"{self.path}: no column {', '.join(missing)}; found {', '.join(self.frame.columns)}; "
                f"wanted {', '.join(names)}: rename the columns in the first line, or give file_columns"
            )

    def stamp_column(self) -> str:
        """The first of datetime, timestamp, date, time that the table has; DataError if it has none."""
        for name in STAMP_COLUMNS:
            if name in self.frame.columns:
                return name
        raise DataError(
            f"{self.path}: no stamp column; found {', '.join(self.frame.columns)}; "
            f"wanted one of {', '.join(STAMP_COLUMNS)}: rename the column that holds the time, or give file_columns"
        )

    def numbers(self, name: str) -> np.ndarray:
        """A column as float64 [rows], empty cells as NaN; DataError at the first cell that is no number."""
        column = self.frame[name]
        values = pd.to_numeric(column, errors="coerce")
        broken = (values.isna() & column.notna()).to_numpy()
        if broken.any():
            at = int(np.argmax(broken))
            raise DataError(
                f"{self.path}, {self.row_name(at)}: {name} is {column.iloc[at]!r}, not a number: "
                f"correct the cell or drop the row"
            )
        return values.to_numpy(dtype="float64", na_value=np.nan)

    def stamps(self) -> pd.DatetimeIndex:
        """Starts of the bars in exchange time, read as the file's format declares.

        Raises:
            DataError: at the first stamp that is not of that format, lacks the offset that others have, or names
                no single moment (the hours skipped and repeated when the clocks change).
        """
        return exchange_stamps(self.frame[self.stamp_column()], self.form, self.path.name[:8], self._refuse_stamp)

    def _refuse_stamp(self, broken: Any, column: pd.Series, why: str) -> None:
        rows = np.asarray(broken, dtype=bool)
        if rows.any():
            at = int(np.argmax(rows))
            raise DataError(f"{self.path}, {self.row_name(at)}: stamp {str(column.iloc[at])!r} {why}")


def read_table(path: str | Path, form: FileFormat) -> Table:
    """Reads a CSV (plain, gzipped or zipped) or Parquet file of the declared format.

    Raises:
        DataError: if the file is missing, unreadable, not of that format, or holds no rows.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file: check the path")
    try:
        frame = _read_csv(path, form) if form.kind == "csv" else _read_parquet(path)
    except DataError:
        raise
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty or begins with a blank line: begin with the header line") from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        why = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as {form.kind} ({why}): check the file and its format") from error
    if frame.empty:
        raise DataError(f"{path}: holds no rows below its header: give one row a bar")
    frame.columns = pd.Index([str(name).strip().lower() for name in frame.columns])
    repeated = frame.columns[frame.columns.duplicated()].unique()
    if len(repeated):
        raise DataError(f"{path}: column {', '.join(repeated)} occurs twice (case is ignored): keep one")
    return Table(path=path, frame=frame, form=form)


def _read_csv(path: Path, form: FileFormat) -> pd.DataFrame:
    # Blank lines are read and then dropped so that the index keeps counting lines of the file.
    first = pd.read_csv(path, header=None, nrows=1, dtype="str", skip_blank_lines=False, sep=form.separator)
    found = list(first.iloc[0]) if form.header else list(HEADERLESS_COLUMNS)
    names = list(form.columns) or found
    if len(names) != first.shape[1]:
        raise DataError(
            f"{path}, line 1: has {first.shape[1]} cells, but {len(names)} columns are declared "
            f"({', '.join(map(str, names))}): give file_columns or file_delimiter as the file has them"
        )
    header = 0 if form.header else None
    with warnings.catch_warnings():
        # Rows longer than the header would otherwise lose their last cells with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                path, skip_blank_lines=False, index_col=False, low_memory=False, sep=form.separator, header=header
            )
        except pd.errors.ParserWarning:
            raise DataError(_too_many_cells(path, form, len(names))) from None
    frame.columns = pd.Index(names)  # pandas would rename a repeated column
    start = 2 if form.header else 1
    frame.index = pd.RangeIndex(start, len(frame) + start)
    return frame.dropna(how="all")


def _too_many_cells(path: Path, form: FileFormat, columns: int) -> str:
    """Says which line is too long, which pandas does not where it is the first one."""
    lines = pd.read_csv(path, sep="\x00", header=None, skip_blank_lines=False, dtype="str", quoting=csv.QUOTE_NONE)[0]
    counts = lines.fillna("").str.count(re.escape(form.separator)) + 1
    line = int(np.argmax(counts > columns))
    return f"{path}: cannot be read as csv (line {line + 1} has {counts[line]} cells, not {columns}): correct it"


def _read_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.reset_index(names=str(frame.index.name or "datetime"))
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
