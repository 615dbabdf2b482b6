"""CSV and Parquet tables of which every cell can be traced back to its row in the file."""

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.bars import EXCHANGE_TZ
from momentum_jax.market.errors import DataError

STAMP_COLUMNS = ("datetime", "timestamp", "date", "time")
_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_OFFSET = r":\d{2}(?:\.\d+)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)$"  # after a clock time: -20 may end a bare date
_YEARS = (1900, 2200)  # well inside what nanosecond stamps can hold


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file it came from.
        frame: its cells; lower-case column names, indexed by the row's 1-based place in the file.
        row_word: what that place is called, "line" (CSV, header counted) or "row" (Parquet).
    """

    path: Path
    frame: pd.DataFrame
    row_word: str

    def row_name(self, position: int) -> str:
        """How a user finds the row at a position of the frame, e.g. "line 57"."""
        return f"{self.row_word} {self.frame.index[position]}"

    def require(self, names: tuple[str, ...]) -> None:
        """Raises DataError, with what was found and what is wanted, unless the columns are there."""
        missing = [name for name in names if name not in self.frame.columns]
        if missing:
            raise DataError(
                f"{self.path}: no column {', '.join(missing)}; found {', '.join(self.frame.columns)}; "
                f"wanted {', '.join(names)}: rename the columns in the first line"
            )

    def stamp_column(self) -> str:
        """The first of datetime, timestamp, date, time that the table has; DataError if it has none."""
        for name in STAMP_COLUMNS:
            if name in self.frame.columns:
                return name
        raise DataError(
            f"{self.path}: no stamp column; found {', '.join(self.frame.columns)}; "
            f"wanted one of {', '.join(STAMP_COLUMNS)}: rename the column that holds the time"
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
        """The stamp column in exchange time; a stamp without an offset is taken as exchange time.

        Raises:
            DataError: at the first stamp that is not ISO, lacks the offset that others have, or names no
                single moment (the hours skipped and repeated when the clocks change).
        """
        column = self.frame[self.stamp_column()]
        self._refuse_stamp(column.isna(), column, "is empty: fill it in or drop the row")
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            return pd.DatetimeIndex(column).tz_convert(EXCHANGE_TZ).as_unit("ns")
        text = column.astype("str").str.strip()
        # Offsets change with daylight saving, so one file mixes them: only UTC can hold them all.
        stamps = pd.DatetimeIndex(pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce"))
        in_range = (stamps.year >= _YEARS[0]) & (stamps.year < _YEARS[1])
        broken = ~(text.str.fullmatch(_ISO) & in_range)
        self._refuse_stamp(broken, column, "is no ISO time: write it as 2024-02-20 09:30:00-05:00")
        has_offset = text.str.contains(_OFFSET)
        if has_offset.all():
            return stamps.tz_convert(EXCHANGE_TZ).as_unit("ns")
        if has_offset.any():
            self._refuse_stamp(~has_offset, column, "has no UTC offset but others have: add it")
        local = stamps.tz_localize(None).tz_localize(EXCHANGE_TZ, ambiguous="NaT", nonexistent="NaT")
        self._refuse_stamp(local.isna(), column, f"names no single moment in {EXCHANGE_TZ}: add its offset")
        return local.as_unit("ns")

    def _refuse_stamp(self, broken: Any, column: pd.Series, why: str) -> None:
        rows = np.asarray(broken, dtype=bool)
        if rows.any():
            at = int(np.argmax(rows))
            raise DataError(f"{self.path}, {self.row_name(at)}: stamp {str(column.iloc[at])!r} {why}")


def read_table(path: str | Path, file_format: str) -> Table:
    """Reads a "csv" or "parquet" file.

    Raises:
        DataError: if the file is missing, unreadable, not of that format, or holds no rows.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file: check the path")
    try:
        frame = _read_csv(path) if file_format == "csv" else _read_parquet(path)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty or begins with a blank line: begin with the header line") from None
    except (OSError, ValueError, EOFError, zlib.error, pd.errors.ParserWarning) as error:
        why = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as {file_format} ({why}): check the file and its format") from error
    if frame.empty:
        raise DataError(f"{path}: holds no rows below its header: give one row a bar")
    frame.columns = pd.Index([str(name).strip().lower() for name in frame.columns])
    repeated = frame.columns[frame.columns.duplicated()].unique()
    if len(repeated):
        raise DataError(f"{path}: column {', '.join(repeated)} occurs twice (case is ignored): keep one")
    return Table(path=path, frame=frame, row_word="line" if file_format == "csv" else "row")


def _read_csv(path: Path) -> pd.DataFrame:
    # Blank lines are read and then dropped so that the index keeps counting lines of the file.
    header = pd.read_csv(path, header=None, nrows=1, dtype="str", skip_blank_lines=False)
    with warnings.catch_warnings():
        # Rows longer than the header would otherwise lose their last cells with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(path, skip_blank_lines=False, index_col=False, low_memory=False)
    frame.columns = pd.Index(header.iloc[0])  # pandas would rename a repeated column
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return frame.dropna(how="all")


def _read_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.reset_index(names=str(frame.index.name or "datetime"))
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
