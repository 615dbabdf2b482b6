"""The daily VIX: its file, and the sessions that it leaves out."""

from pathlib import Path

import numpy as np
import pandas as pd

from momentum_jax.market.bars import session_dates
from momentum_jax.market.errors import DataError
from momentum_jax.market.formats import FileFormat
from momentum_jax.market.tables import Table, read_table

PARQUET_SUFFIXES = (".parquet", ".pq")


def load_vix(path: str | Path) -> pd.Series:
    """Reads the daily VIX closes of a file with a date and a close column (Parquet by suffix, else CSV).

    Returns:
        float64 series of closes, in VIX points, indexed by naive exchange date (nanoseconds), ascending.

    Raises:
        DataError: also on a VIX that is 0, negative, infinite or NaN, and on unsorted or repeated dates.
    """
    table = _vix_table(path)
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


def inconsistent_rows(path: str | Path) -> pd.DatetimeIndex:
    """Dates of a VIX file whose high and low do not enclose open and close; empty without those columns."""
    table = _vix_table(path)
    names = ("open", "high", "low", "close")
    dates = session_dates(table.stamps())
    if not set(names) <= set(table.frame.columns):
        return dates[:0]
    opens, high, low, close = (table.numbers(name) for name in names)
    return dates[(high < np.maximum(opens, close)) | (low > np.minimum(opens, close)) | (high < low)]


def missing_days(vix: pd.Series, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The sessions (naive dates) that have no VIX close."""
    return sessions[~sessions.isin(vix.index)]


def _vix_table(path: str | Path) -> Table:
    kind = "parquet" if Path(path).suffix.lower() in PARQUET_SUFFIXES else "csv"
    table = read_table(path, FileFormat(kind=kind))
    table.stamp_column()
    table.require(("close",))
    return table
