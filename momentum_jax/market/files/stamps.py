"""Stamps of a file's rows, turned into exchange time as the file's format declares them."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import EXCHANGE_TZ, SESSION_CLOSE_MINUTE, SESSION_OPEN_MINUTE
from momentum_jax.market.files.formats import DAY_MS, UNIX_UNITS, FileFormat
from momentum_jax.market.files.zones import zone_expression, zone_of

_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_OFFSET = r"(?<=:\d{2})(?:\.\d+)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)$"  # after a clock time: -20 may end a bare date
_YEARS = (1900, 2200)  # well inside what nanosecond stamps can hold

Refuse = Callable[[Any, pd.Series, str], None]  # rows that are broken, their column, what is wrong with them


class _Moments(NamedTuple):
    stamps: pd.DatetimeIndex  # UTC where an offset is known, else the clock time written, called UTC; NaT if broken
    has_offset: np.ndarray  # [rows] bool


def exchange_stamps(column: pd.Series, form: FileFormat, day: str, refuse: Refuse) -> pd.DatetimeIndex:
    """The starts of the bars, in exchange time; `refuse` raises at the first stamp that is none.

    `day`, the beginning of the file's name, is used for stamps that count from midnight.

    Returns:
        The stamps; NaT for those in an hour that the clock shows twice and that lies outside all sessions.
    """
    refuse(column.isna(), column, "is empty: fill it in or drop the row")
    if form.hours_ahead is not None:
        stamps = _from_new_york(column, form, day, refuse)
    elif isinstance(column.dtype, pd.DatetimeTZDtype):
        stamps = pd.DatetimeIndex(column).tz_convert(EXCHANGE_TZ)
    else:
        stamps = _to_exchange(column, _moments(column, form, day, refuse), form, refuse)
    if form.bar_stamp == "end":
        stamps = stamps - pd.Timedelta(minutes=form.bar_minutes)
    return stamps.as_unit("ns")


def _moments(column: pd.Series, form: FileFormat, day: str, refuse: Refuse) -> _Moments:
    if form.time_format == DAY_MS:
        return _since_midnight(column, day, refuse)
    if form.time_format in UNIX_UNITS and not pd.api.types.is_datetime64_dtype(column.dtype):
        return _unix(column, form.time_format, refuse)
    text = column.astype("str").str.strip()
    if form.time_format == "iso" or pd.api.types.is_datetime64_dtype(column.dtype):
        # Offsets change with daylight saving, so one file mixes them: only UTC can hold them all.
        stamps = pd.DatetimeIndex(pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce"))
        broken = ~(text.str.fullmatch(_ISO).to_numpy(dtype=bool) & _in_range(stamps))
        refuse(broken, column, "is no ISO time: write it as 2024-02-20 09:30:00-05:00, or set file_time_format")
        return _Moments(stamps, text.str.contains(_OFFSET).to_numpy(dtype=bool))
    return _patterned(text.str.replace(r"\s+", " ", regex=True), column, form.time_format, refuse)


def _patterned(text: pd.Series, column: pd.Series, pattern: str, refuse: Refuse, as_written: bool = False) -> _Moments:
    """Stamps of a time pattern; `as_written` leaves out the zone or offset that they name."""
    zones, plain = None, pattern
    directive = next((name for name in ("%Z", "%z") if name in pattern), "")
    if directive == "%Z" or (directive and as_written):
        # pandas reads %Z and does nothing with it: zones are cut out and converted here.
        parts = text.str.extract(zone_expression(pattern, directive))
        text, plain = parts["before"] + parts["after"], pattern.replace(directive, "", 1)
        zones = None if as_written else parts["zone"]
    stamps = pd.DatetimeIndex(pd.to_datetime(text, utc=True, format=plain, errors="coerce"))
    refuse(~_in_range(stamps), column, f"does not fit file_time_format {pattern}: correct the stamp or the pattern")
    if zones is None:
        return _Moments(stamps, np.full(len(text), "%z" in plain))
    return _Moments(_in_named_zones(stamps.tz_localize(None), zones, column, refuse), np.ones(len(text), bool))


def _in_named_zones(naive: pd.DatetimeIndex, zones: pd.Series, column: pd.Series, refuse: Refuse) -> pd.DatetimeIndex:
    """Clock times [rows] in the zone that each names [rows]."""
    moments = pd.Series(pd.DatetimeIndex([pd.NaT] * len(naive), tz=EXCHANGE_TZ).as_unit("ns"))
    for name in zones.unique():
        rows = (zones == name).to_numpy(dtype=bool)
        zone = zone_of(name)
        if zone is None:
            why = f"names the zone {name}, which is not known: write {name} for %Z in file_time_format"
            refuse(rows, column, f"{why} and declare file_time_zone")
        moments[rows] = _localized(naive, column, zone or EXCHANGE_TZ, refuse, rows)[rows]
    return pd.DatetimeIndex(moments).tz_convert("UTC")


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
    return _localized(moments.stamps.tz_localize(None), column, form.time_zone, refuse)


def _from_new_york(column: pd.Series, form: FileFormat, day: str, refuse: Refuse) -> pd.DatetimeIndex:
    """Stamps of a clock that runs a declared number of hours ahead of New York's, whatever zone or offset they name."""
    text = column.astype("str").str.strip().str.replace(r"\s+", " ", regex=True)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        written = pd.DatetimeIndex(column)
    elif "%" in form.time_format and not pd.api.types.is_datetime64_dtype(column.dtype):
        written = _patterned(text, column, form.time_format, refuse, as_written=True).stamps
    elif form.time_format == "iso":
        written = _moments(text.str.replace(_OFFSET, "", regex=True), form, day, refuse).stamps
    else:
        written = _moments(column, form, day, refuse).stamps
    assert form.hours_ahead is not None
    shifted = written.tz_localize(None) - pd.Timedelta(hours=form.hours_ahead)
    return _localized(shifted, column, EXCHANGE_TZ, refuse)


def _localized(
    naive: pd.DatetimeIndex, column: pd.Series, zone: str | tzinfo, refuse: Refuse, rows: np.ndarray | None = None
) -> pd.DatetimeIndex:
    """Clock times of a zone in exchange time; NaT in a repeated hour that touches no session.

    `rows` limits what is refused.
    """
    local = naive.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").tz_convert(EXCHANGE_TZ)
    unclear = np.asarray(local.isna())
    if unclear.any():
        first, second = (
            naive.tz_localize(zone, ambiguous=np.full(len(naive), summer), nonexistent="NaT").tz_convert(EXCHANGE_TZ)
            for summer in (True, False)
        )
        harmless = np.asarray(first.notna()) & ~_in_session_hours(first) & ~_in_session_hours(second)
        refused = unclear & ~harmless & (True if rows is None else rows)
        refuse(refused, column, f"names no single moment in {zone}: add its offset")
    return local


def _in_session_hours(stamps: pd.DatetimeIndex) -> np.ndarray:
    minute = stamps.hour * 60 + stamps.minute
    inside = (minute >= SESSION_OPEN_MINUTE) & (minute < SESSION_CLOSE_MINUTE) & (stamps.day_of_week < 5)
    return np.asarray(inside, dtype=bool)


def _in_range(stamps: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray((stamps.year >= _YEARS[0]) & (stamps.year < _YEARS[1]))
