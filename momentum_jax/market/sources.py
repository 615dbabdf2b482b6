"""Sources of bars: the seam that each source fits, and the one that reads files."""

import dataclasses
import itertools
import warnings
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, PRICE_COLUMNS, between_dates, session_dates, validate_bars
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.formats import FileFormat
from momentum_jax.market.tables import Table, read_table

SYMBOL_COLUMNS = ("symbol", "ticker")
_SUFFIXES = {"csv": (".csv", ".csv.gz", ".txt", ".txt.gz", ".zip"), "parquet": (".parquet", ".pq")}


class BarSource(Protocol):
    """Anything that serves validated bars."""

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """The bar frame of a symbol for the exchange dates start … end (inclusive ISO dates or None).

        Raises:
            DataError: on an unknown symbol, a bad bar, or no bars in that range.
        """
        ...


class FileSource:
    """Bars from one file, with or without a column that names the symbol, or from a folder.

    A folder holds a file per symbol (SPY.csv, SPY.csv.gz, SPY.parquet) or a folder per symbol whose files
    follow each other in time (SPY/2024-01.csv, …); names match in any case.
    """

    def __init__(self, path: str | Path, form: FileFormat):
        self._path = Path(path)
        self._form = form

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """See `BarSource.bars`; a file without a symbol column serves whatever symbol is asked for."""
        frames = [load_bars(path, symbol, form=self._form) for path in self._files(symbol)]
        frames.sort(key=lambda frame: frame.index[0])
        for before, after in itertools.pairwise(frames):
            if after.index[0] <= before.index[-1]:
                raise DataError(
                    f"{self._path}: two files of {symbol} overlap: one ends at {before.index[-1]}, the next starts at "
                    f"{after.index[0]}: keep each minute in one file"
                )
        frame = pd.concat(frames) if len(frames) > 1 else frames[0]
        return _inside_dates(frame, str(self._path), start, end)

    def _files(self, symbol: str) -> list[Path]:
        if not self._path.is_dir():
            return [self._path]
        suffixes = _SUFFIXES[self._form.kind]
        inside = sorted(self._path.iterdir())
        wanted = {symbol.lower() + suffix for suffix in suffixes}
        files = [path for path in inside if path.is_file() and path.name.lower() in wanted]
        for folder in inside:
            if folder.is_dir() and folder.name.lower() == symbol.lower():
                files += [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(suffixes)]
        if not files:
            found = ", ".join(path.name for path in inside[:20]) or "nothing"
            raise DataError(
                f"{self._path}: no file of {symbol} in this folder; found {found}: "
                f"name it {symbol}{suffixes[0]}, or put files into a folder {symbol}"
            )
        return files


def load_bars(
    path: str | Path,
    symbol: str,
    *,
    start: str | None = None,
    end: str | None = None,
    form: FileFormat | None = None,
) -> pd.DataFrame:
    """Reads the bars of a file.

    Columns, in any case and order: a stamp (datetime, timestamp, date or time), open, high, low, close, volume
    (all empty or 0 for an index), and optionally symbol or ticker. Others are ignored. All rows of the symbol are
    checked, also those outside start … end.

    Args:
        path: the file.
        symbol: ticker picked from the file's symbol column, where it has one.
        start: first exchange date, inclusive ISO date or None.
        end: last exchange date, inclusive ISO date or None.
        form: how the file is written; a plain CSV by default.

    Returns:
        A bar frame as `momentum_jax.market.bars` describes it, extended hours included.

    Raises:
        DataError: naming the file, the row and the remedy.
    """
    form = form or FileFormat()
    table = _ordered(_pick_symbol(read_table(path, form), symbol))
    columns = BAR_COLUMNS if form.volume else PRICE_COLUMNS
    table.require(columns)
    values = {name: table.numbers(name) for name in columns}
    for name in PRICE_COLUMNS:
        values[name] = values[name] / form.price_scale
    frame = pd.DataFrame({"volume": np.nan} | values, index=table.stamps())
    bars = validate_bars(frame, source=str(table.path), row_name=table.row_name, bar_minutes=form.bar_minutes)
    return _inside_dates(bars, str(path), start, end)


def _inside_dates(frame: pd.DataFrame, where: str, start: str | None, end: str | None) -> pd.DataFrame:
    kept = between_dates(frame, start, end)
    if kept.empty:
        dates = session_dates(frame.index)
        raise DataError(
            f"{where}: no bars from {start or 'the start'} to {end or 'the end'}; the file covers "
            f"{dates[0].date()} to {dates[-1].date()}: choose start_date and end_date inside it"
        )
    return kept


def _ordered(table: Table) -> Table:
    """The table with its rows, and their places in the file, in ascending order as the format declares them."""
    if table.form.row_order == "ascending":
        return table
    if table.form.row_order == "descending":
        return dataclasses.replace(table, frame=table.frame.iloc[::-1])
    stamps = table.stamps().asi8
    late = int((np.diff(stamps) < 0).sum())
    if late:
        warnings.warn(f"{table.path}: {late:,} rows are earlier than the row above: sorted", DataWarning, stacklevel=3)
    return dataclasses.replace(table, frame=table.frame.iloc[np.argsort(stamps, kind="stable")])


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
    return dataclasses.replace(table, frame=chosen)
