"""Stamps of a file's rows, turned into exchange time as the file's format declares them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import EXCHANGE_TZ
from momentum_jax.market.formats import DAY_MS, UNIX_UNITS, FileFormat

_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_OFFSET = r":\d{2}(?:\.\d+)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)$"  # after a clock time: -20 may end a bare date
_YEARS = (1900, 2200)  # well inside what nanosecond stamps can hold

Refuse = Callable[[Any, pd.Series, str], None]  # rows that are broken, their column, what is wrong with them


class _Moments(NamedTuple):
    stamps: pd.DatetimeIndex  # UTC where an offset is known, else the clock time written, called UTC; NaT if broken
    has_offset: np.ndarray  # [rows] bool


def exchange_stamps(column: pd.Series, form: FileFormat, day: str, refuse: Refuse) -> pd.DatetimeIndex:
    """The starts of the bars, in exchange time; `refuse` raises at the first stamp that is none.

    `day`, the beginning of the file's name, is used for stamps that count from midnight.
    """
    refuse(column.isna(), column, "is empty: fill it in or drop the row")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        stamps = pd.DatetimeIndex(column).tz_convert(EXCHANGE_TZ)
    else:
        stamps = _to_exchange(column, _moments(column, form, day, refuse), form, refuse)
    if form.bar_stamp == "end":
        stamps = stamps - pd.Timedelta(minutes=form.bar_minutes)
    return stamps.as_unit("ns")


def _moments(column: pd.Series, form: FileFormat, day: str, refuse: Refuse) -> _Moments:
    if form.time_format == DAY_MS:
        return _since_midnight(column, day, refuse)
    if form.time_format in UNIX_UNITS:
        return _unix(column, form.time_format, refuse)
    text = column.astype("str").str.strip()
    if form.time_format == "iso":
        # Offsets change with daylight saving, so one file mixes them: only UTC can hold them all.
        stamps = pd.DatetimeIndex(pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce"))
        has_offset = text.str.contains(_OFFSET).to_numpy(dtype=bool)
        broken = ~(text.str.fullmatch(_ISO).to_numpy(dtype=bool) & _in_range(stamps))
        why = "is no ISO time: write it as 2024-02-20 09:30:00-05:00, or set file_time_format"
    else:
        stamps = pd.DatetimeIndex(pd.to_datetime(text, utc=True, format=form.time_format, errors="coerce"))
        has_offset = np.full(len(text), "%z" in form.time_format)
        broken = ~_in_range(stamps)
        why = f"does not fit file_time_format {form.time_format}: correct the stamp or the pattern"
    refuse(broken, column, why)
    return _Moments(stamps, has_offset)


def _unix(column: pd.Series, name: str, refuse: Refuse) -> _Moments:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    per_year = 365.25 * 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[UNIX_UNITS[name]]
    years = 1970 + numbers / per_year
    broken = ~((numbers == np.rint(numbers)) & (years >= _YEARS[0]) & (years < _YEARS[1]))
    refuse(broken, column, f"is no {name} stamp between {_YEARS[0]} and {_YEARS[1]}: correct it or file_time_format")
    whole = pd.to_numeric(column).to_numpy(dtype="int64")
    stamps = pd.DatetimeIndex(whole.astype(f"datetime64[{UNIX_UNITS[name]}]")).tz_localize("UTC")
    return _Moments(stamps, np.ones(len(whole), bool))


def _since_midnight(column: pd.Series, day: str, refuse: Refuse) -> _Moments:
    midnight = pd.DatetimeIndex(pd.to_datetime([day], format="%Y%m%d", errors="coerce", utc=True))
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    broken = ~((numbers == np.rint(numbers)) & (numbers >= 0) & (numbers < 86_400_000)) | midnight.isna()
    refuse(broken, column, "is no millisecond of the day that begins the file's name, as in 20131004_trade.zip")
    stamps = midnight.repeat(len(numbers)) + pd.to_timedelta(numbers, unit="ms")
    return _Moments(stamps, np.zeros(len(column), bool))


def _to_exchange(column: pd.Series, moments: _Moments, form: FileFormat, refuse: Refuse) -> pd.DatetimeIndex:
    if moments.has_offset.all():
        return moments.stamps.tz_convert(EXCHANGE_TZ)
    if moments.has_offset.any():
        refuse(~moments.has_offset, column, "has no UTC offset but others have: add it")
    naive = moments.stamps.tz_localize(None)
    local = naive.tz_localize(form.time_zone, ambiguous="NaT", nonexistent="NaT")
    refuse(local.isna(), column, f"names no single moment in {form.time_zone}: add its offset")
    return local.tz_convert(EXCHANGE_TZ)


def _in_range(stamps: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray((stamps.year >= _YEARS[0]) & (stamps.year < _YEARS[1]))
