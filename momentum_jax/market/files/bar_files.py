"""From a file of the declared format to a bar frame: read, put in order, and freed of what does no harm.

What is set right on the way is counted in a `DataWarning`, which the quality report shows.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, PRICE_COLUMNS, copies, off_grid, validate_bars
from momentum_jax.market.errors import DataWarning
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.readers import read_table
from momentum_jax.market.files.symbol_columns import refuse_other_symbol, refuse_several_series
from momentum_jax.market.files.traced_tables import Table

_HAIR = 1e-8  # of the price: what rounding leaves between two computations of the same number


class FileBars(NamedTuple):
    """What a file holds of a symbol."""

    bars: pd.DataFrame  # bar frame
    names_symbol: bool  # whether the file itself says that they are the symbol's


class _Rows(NamedTuple):
    """Rows of a file on their way: each still knows its place."""

    table: Table
    frame: pd.DataFrame  # stamps and float64 columns of a bar frame, [rows] as the table's

    def chosen(self, rows: np.ndarray) -> "_Rows":
        return _Rows(self.table.rows(rows), self.frame.iloc[rows])


def read_bars(path: str | Path, symbol: str, form: FileFormat, max_rows: int | None = None) -> FileBars:
    """Reads and checks the bars of a symbol.

    Args:
        path: the file.
        symbol: ticker, picked from the file's symbol column or from its columns' names, where those name symbols.
        form: how the file is written.
        max_rows: read no more rows of a CSV than these.

    Raises:
        DataError: naming the file, the row and the remedy.
    """
    whole = read_table(path, form, max_rows)
    own = whole.of_symbol(symbol)
    rows = _values(whole if own is None else own)
    if own is None:
        refuse_other_symbol(whole, symbol)
    for step in (_without_empty_rows, _without_repeated_hours, _without_copies, _in_order, _without_live_row):
        rows = step(rows)
    if own is None:
        refuse_several_series(rows.table, pd.DatetimeIndex(rows.frame.index))
    frame = _without_hairs(rows, _with_volume(rows))
    bars = validate_bars(frame, source=str(whole.path), row_name=rows.table.row_name, bar_minutes=form.bar_minutes)
    return FileBars(bars, names_symbol=own is not None)


def _report(table: Table, kind: str, text: str) -> None:
    warnings.warn(DataWarning(f"{table.path}: {text}", kind), stacklevel=4)


def _values(table: Table) -> _Rows:
    columns = BAR_COLUMNS if table.form.volume else PRICE_COLUMNS
    table.require(columns)
    values = {name: table.numbers(name) for name in columns}
    for name in PRICE_COLUMNS:
        values[name] = values[name] / table.form.price_scale
    return _Rows(table, pd.DataFrame({"volume": np.nan} | values, index=table.stamps()))


def _without_empty_rows(rows: _Rows) -> _Rows:
    """Where a row holds several symbols, it may hold none of this one's prices."""
    empty = rows.frame[list(PRICE_COLUMNS)].isna().all(axis=1).to_numpy()
    if not rows.table.wide or not empty.any():
        return rows
    _report(rows.table, "no_price", f"{empty.sum():,} rows hold no price of this symbol: left out")
    return rows.chosen(~empty)


def _without_repeated_hours(rows: _Rows) -> _Rows:
    unclear = np.asarray(rows.frame.index.isna())
    if not unclear.any():
        return rows
    text = f"{unclear.sum():,} rows in the hour that the clock repeats, outside all sessions: left out"
    _report(rows.table, "repeated_hour", text)
    return rows.chosen(~unclear)


def _without_copies(rows: _Rows) -> _Rows:
    """Overlapping downloads hold the same bar twice."""
    repeated = copies(rows.frame)
    if not repeated.any():
        return rows
    first = rows.table.row_name(int(np.argmax(repeated)))
    text = f"{repeated.sum():,} rows repeat an earlier row exactly, the first is {first}: dropped"
    _report(rows.table, "duplicate_rows", text)
    return rows.chosen(~repeated)


def _in_order(rows: _Rows) -> _Rows:
    """The rows in ascending order, as far as the format declares theirs."""
    order = rows.table.form.row_order
    if order == "ascending":
        return rows
    if order == "descending":
        return rows.chosen(np.arange(len(rows.frame))[::-1])
    stamps = pd.DatetimeIndex(rows.frame.index).asi8
    late = int((np.diff(stamps) < 0).sum())
    if late:
        _report(rows.table, "reading", f"{late:,} rows are earlier than the row above: sorted")
    return rows.chosen(np.argsort(stamps, kind="stable"))


def _without_live_row(rows: _Rows) -> _Rows:
    """A download during the session ends with a bar that is still forming, stamped with its last trade."""
    off = off_grid(pd.DatetimeIndex(rows.frame.index), rows.table.form.bar_minutes)
    if len(off) < 2 or not off[-1] or off[:-1].any():
        return rows
    where = f"the last row, {rows.table.row_name(-1)}, stamped {rows.frame.index[-1]}"
    _report(rows.table, "live_row", f"{where}, starts no bar, so that its bar was not over: left out")
    return rows.chosen(np.arange(len(off) - 1))


def _with_volume(rows: _Rows) -> pd.DataFrame:
    empty = rows.frame["volume"].isna()
    if not empty.any() or empty.all():
        return rows.frame
    first = rows.table.row_name(int(np.argmax(empty)))
    _report(rows.table, "empty_volume", f"{empty.sum():,} rows have no volume, the first is {first}: read as 0")
    return rows.frame.fillna({"volume": 0.0})


def _without_hairs(rows: _Rows, frame: pd.DataFrame) -> pd.DataFrame:
    """Highs and lows that miss open or close by rounding alone."""
    body = frame[["open", "close"]]
    high, low = np.maximum(frame["high"], body.max(axis=1)), np.minimum(frame["low"], body.min(axis=1))
    moved = np.maximum(high - frame["high"], frame["low"] - low)
    hairs = (moved > 0) & (moved <= _HAIR * frame["close"].abs())
    if not hairs.any():
        return frame
    first = rows.table.row_name(int(np.argmax(hairs)))
    text = f"{hairs.sum():,} rows whose high or low misses open or close by rounding, the first is {first}: set to it"
    _report(rows.table, "rounding", text)
    return frame.assign(high=frame["high"].where(~hairs, high), low=frame["low"].where(~hairs, low))
