"""The file of the daily VIX, read as it is declared."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.columns import wide_columns
from momentum_jax.market.files.dates import daily_dates
from momentum_jax.market.files.file_contents import SUFFIXES
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.readers import read_table
from momentum_jax.market.files.traced_tables import Table
from momentum_jax.market.vix.vix_range import EXPECTED_VIX, outside_vix_range

FRED_CLOSE = "vixcls"
_DATE_COLUMNS = ("observation_date",)  # FRED's; besides those of bars
_SUNDAY = 6
_MOST_SUNDAYS = 0.1  # of the rows; a fifth where Mondays were moved a day early


class _Days(NamedTuple):
    table: Table  # the rows that have a close
    dates: pd.DatetimeIndex
    close_column: str


def vix_format(path: str | Path, form: FileFormat | None = None) -> FileFormat:
    """The declared format, of the kind that the file's suffix says."""
    kind = "parquet" if Path(path).suffix.lower() in SUFFIXES["parquet"] else "csv"
    declared = {} if form is None else {name: getattr(form, name) for name in form.__dataclass_fields__}
    return FileFormat(**(declared | {"kind": kind, "prefix": "vix"}))


def read_vix(path: str | Path, form: FileFormat) -> pd.Series:
    """The closes of a file that is written as `form` says; `daily_vix.load_vix` has the details."""
    days = _days(path, form)
    table, dates, close = days.table, days.dates, days.table.numbers(days.close_column)
    step = np.diff(dates.asi8, prepend=dates.asi8[0] - 1)
    rules = (
        (
            ~(np.isfinite(close) & (close > 0)),
            "is {value}",
            "a close must be above 0; correct it or drop the row",
        ),
        (
            outside_vix_range(close),
            "is {value:g}",
            f"{EXPECTED_VIX}: give a file of its closes, as 13.2 and not 0.132 or 1320, or correct the row",
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
    _check_weekdays(path, dates)
    return pd.Series(close, index=dates.rename("date"), name="vix")


def inconsistent_rows(path: str | Path, form: FileFormat | None = None) -> pd.DatetimeIndex:
    """Dates of a VIX file whose high and low do not enclose open and close; empty without those columns."""
    table, dates, _ = _days(path, vix_format(path, form))
    names = ("open", "high", "low", "close")
    if not set(names) <= set(table.frame.columns):
        return dates[:0]
    opens, high, low, close = (table.numbers(name) for name in names)
    return dates[(high < np.maximum(opens, close)) | (low > np.minimum(opens, close)) | (high < low)]


def _days(path: str | Path, form: FileFormat) -> _Days:
    table = read_table(path, form)
    wide = {} if "close" in table.frame.columns else wide_columns(list(table.frame.columns), ("close",))
    if len(wide) == 1:
        fields = {name: field for field, name in next(iter(wide.values())).items()}
        table = dataclasses.replace(table, frame=table.frame.rename(columns=fields))
    stamps = next((name for name in _DATE_COLUMNS if name in table.frame.columns), None)
    stamps = stamps if stamps and not form.time_columns else table.stamp_columns()[0]
    close = FRED_CLOSE if FRED_CLOSE in table.frame.columns else "close"
    table.require((close,))
    if close == FRED_CLOSE:  # a holiday has an empty cell, in older files a full stop
        cells = table.frame[close].astype("str").str.strip()
        table = table.rows((table.frame[close].notna() & (cells != ".")).to_numpy())
        if table.frame.empty:
            raise DataError(f"{path}: holds no close: give rows that have one")
    dates = daily_dates(table.column(stamps), form.time_format, "vix_time_format", table.refuse_stamp)
    if len(dates) > 1 and (np.diff(dates.asi8) < 0).all():
        table, dates = table.rows(slice(None, None, -1)), dates[::-1]
    return _Days(table, dates, close)


def _check_weekdays(path: str | Path, dates: pd.DatetimeIndex) -> None:
    sundays = dates[dates.day_of_week == _SUNDAY]
    if len(sundays) > _MOST_SUNDAYS * len(dates) and len(sundays) > 1:
        raise DataError(
            f"{path}: {len(sundays)} of {len(dates)} VIX closes are dated on Sundays, the first {sundays[0].date()}: "
            f"the stamps are midnights of another zone, a day early; write each row's date as YYYY-MM-DD"
        )
