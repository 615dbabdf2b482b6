"""The dates of daily rows.

A daily row is a date, not a moment: its stamp's date is taken as written, and no zone moves it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.files.day_order import either, other_reading, time_format_flag
from momentum_jax.market.files.formats import UNIX_UNITS
from momentum_jax.market.files.time_forms import time_forms

_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?"
_SLASHES = r"\d{1,2}/\d{1,2}/\d{4}"
_COMPACT = r"(?:19|20|21)\d{6}"
_UNITS = {"s": 1e11, "ms": 1e14, "us": 1e17, "ns": 1e20}  # each unit's stamps lie below, until the year 5138

Refuse = Callable[[Any, pd.Series, str], None]  # rows that are broken, their column, what is wrong with them


def daily_dates(cells: pd.Series, time_format: str, flag: str, refuse: Refuse) -> pd.DatetimeIndex:
    """The naive date of each row, in nanoseconds.

    Args:
        cells: stamps of the rows [rows].
        time_format: "iso" to recognise dates as 2024-05-14, 20240514, 5/14/2024 and Unix stamps, of which the UTC date
            counts; "unix_s" and the like, or a pattern.
        flag: the flag that declares the format.
        refuse: raises at the first row that is broken.
    """
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(cells.dtype):
        stamps = pd.DatetimeIndex(cells).tz_localize(None)
        refuse(stamps.isna(), cells, "is empty: fill it in or drop the row")
    else:
        refuse(cells.isna(), cells, "is empty: fill it in or drop the row")
        stamps = _read(cells, cells.astype("str").str.strip(), time_format, flag, refuse)
    return stamps.normalize().as_unit("ns")


def _read(cells: pd.Series, text: pd.Series, time_format: str, flag: str, refuse: Refuse) -> pd.DatetimeIndex:
    if time_format in UNIX_UNITS:
        return _unix(cells, text, UNIX_UNITS[time_format], refuse)
    if "%" in time_format:
        # The offset of a stamp is left out: its date counts as written.
        stamps = pd.to_datetime(text, format=time_format, errors="coerce", utc="%z" not in time_format)
        written = pd.DatetimeIndex([stamp.tz_localize(None) for stamp in stamps]) if "%z" in time_format else stamps
        dates = pd.DatetimeIndex(written).tz_localize(None)
        refuse(dates.isna(), cells, f"does not fit {flag} {time_format}: correct the stamp or the pattern")
        return dates
    first = text.iloc[0]
    if pd.Series([first]).str.fullmatch(_COMPACT).all():
        return _dates(text, "%Y%m%d", cells, f"is no date as {first}: correct it", refuse)
    if first.isdigit():
        unit = next((name for name, end in _UNITS.items() if float(first) < end), "ns")
        return _unix(cells, text, unit, refuse)
    if pd.Series([first]).str.fullmatch(_SLASHES).all():
        return _american(text, cells, flag, refuse)
    dates = pd.DatetimeIndex(pd.to_datetime(text.str[:10], format="%Y-%m-%d", errors="coerce"))
    broken = ~text.str.fullmatch(_ISO).to_numpy(dtype=bool) | np.asarray(dates.isna())
    forms = time_forms([str(cell) for cell in text], needs_time=False)
    refuse(broken, cells, f"is no ISO time: {_remedy(forms, flag)}")
    return dates


def _remedy(forms: list[str], flag: str) -> str:
    if not forms:
        return f"write it as 2024-02-20, or set {flag}"
    prefix = flag.removesuffix("_time_format")
    other = either(prefix, forms[0]) if other_reading(forms[0]) in forms else ""
    return f"declare {time_format_flag(prefix, forms[0])}{other}"


def _american(text: pd.Series, cells: pd.Series, flag: str, refuse: Refuse) -> pd.DatetimeIndex:
    """Month/day/year, or day/month/year where only that fits or where it brings the days closer together."""
    read = {
        form: pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce")) for form in ("%m/%d/%Y", "%d/%m/%Y")
    }
    whole = [dates for dates in read.values() if not dates.isna().any()]
    if not whole:
        refuse(read["%m/%d/%Y"].isna(), cells, f"is no date as 05/14/2024: correct it, or set {flag}")
    return min(whole, key=lambda dates: dates.max() - dates.min())


def _dates(text: pd.Series, form: str, cells: pd.Series, why: str, refuse: Refuse) -> pd.DatetimeIndex:
    dates = pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce"))
    refuse(dates.isna(), cells, why)
    return dates


def _unix(cells: pd.Series, text: pd.Series, unit: str, refuse: Refuse) -> pd.DatetimeIndex:
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    broken = ~((numbers == np.rint(numbers)) & (np.abs(numbers) < _UNITS[unit]))
    refuse(broken, cells, f"is no Unix stamp in {unit}: correct it or drop the row")
    return pd.DatetimeIndex(pd.to_numeric(text).to_numpy(dtype="int64").astype(f"datetime64[{unit}]"))
