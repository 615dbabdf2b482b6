"""Sources of bars: the seam that each source fits, and the one that reads a single file."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, between_dates, session_dates, validate_bars
from momentum_jax.market.errors import DataError
from momentum_jax.market.tables import Table, read_table

SYMBOL_COLUMNS = ("symbol", "ticker")
PARQUET_SUFFIXES = (".parquet", ".pq")


class BarSource(Protocol):
    """Anything that serves validated bars."""

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """The bar frame of a symbol for the exchange dates start … end (inclusive ISO dates or None).

        Raises:
            DataError: on an unknown symbol, a bad bar, or no bars in that range.
        """
        ...


class FileSource:
    """Bars from one CSV or Parquet file, with or without a column that names the symbol."""

    def __init__(self, path: str | Path, file_format: str):
        self._path = path
        self._format = file_format

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """See `BarSource.bars`; a file without a symbol column serves whatever symbol is asked for."""
        return load_bars(self._path, symbol, start=start, end=end, file_format=self._format)


def load_bars(
    path: str | Path,
    symbol: str,
    *,
    start: str | None = None,
    end: str | None = None,
    file_format: str = "csv",
) -> pd.DataFrame:
    """Reads one-minute bars, stamped at their start, from a file.

    Columns, in any case and order: a stamp (datetime, timestamp, date or time; ISO, exchange time where it
    has no offset), open, high, low, close, volume (all empty or 0 for an index), and optionally symbol or
    ticker. Others are ignored. All rows of the symbol are checked, also those outside start … end.

    Args:
        path: the file.
        symbol: ticker picked from the file's symbol column, where it has one.
        start: first exchange date, inclusive ISO date or None.
        end: last exchange date, inclusive ISO date or None.
        file_format: "csv" or "parquet".

    Returns:
        A bar frame as `momentum_jax.market.bars` describes it, extended hours included.

    Raises:
        DataError: naming the file, the row and the remedy.
    """
    table = _pick_symbol(read_table(path, file_format), symbol)
    table.require(BAR_COLUMNS)
    stamps = table.stamps()
    values = {name: table.numbers(name) for name in BAR_COLUMNS}
    frame = validate_bars(pd.DataFrame(values, index=stamps), source=str(table.path), row_name=table.row_name)
    kept = between_dates(frame, start, end)
    if kept.empty:
        dates = session_dates(frame.index)
        raise DataError(
            f"{path}: no bars from {start or 'the start'} to {end or 'the end'}; the file covers "
            f"{dates[0].date()} to {dates[-1].date()}: choose start_date and end_date inside it"
        )
    return kept


def load_vix(path: str | Path) -> pd.Series:
    """Reads the daily VIX closes of a file with a date and a close column (Parquet by suffix, else CSV).

    Returns:
        float64 series of closes, in VIX points, indexed by naive exchange date (nanoseconds), ascending.

    Raises:
        DataError: also on a VIX that is 0, negative, infinite or NaN, and on unsorted or repeated dates.
    """
    is_parquet = Path(path).suffix.lower() in PARQUET_SUFFIXES
    table = read_table(path, "parquet" if is_parquet else "csv")
    table.stamp_column()
    table.require(("close",))
    dates = session_dates(table.stamps())
    close = table.numbers("close")
    step = np.diff(dates.asi8, prepend=dates.asi8[0] - 1)
    rules = (
        (
            ~(np.isfinite(close) & (close > 0)),
            "is {value}",
            "a close must be above 0; correct it or drop the row",
        ),
        (step == 0, "repeats its date", "keep one close a day"),
        (step < 0, "is dated before the row above", "sort the rows by date, oldest first"),
    )
    for broken, found, remedy in rules:
        if broken.any():
            at = int(np.argmax(broken))
            raise DataError(
                f"{path}, {table.row_name(at)}: VIX close of {dates[at].date()} "
                f"{found.format(value=close[at])}: {remedy}"
            )
    return pd.Series(close, index=dates.rename("date"), name="vix")


def _pick_symbol(table: Table, symbol: str) -> Table:
    column = next((name for name in SYMBOL_COLUMNS if name in table.frame.columns), None)
    if column is None:
        return table
    names = table.frame[column].astype("str").str.strip().str.upper()
    chosen = table.frame[(names == symbol.upper()).to_numpy(dtype=bool)]
    if chosen.empty:
        raise DataError(
            f"{table.path}: no symbol {symbol!r}; found {', '.join(sorted(names.dropna().unique()))}: "
            f"put one of those first in symbols"
        )
    return Table(path=table.path, frame=chosen, row_word=table.row_word)
