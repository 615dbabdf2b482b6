"""Bars: the frame that every source delivers, and its checks.

A bar frame has a `DatetimeIndex` in exchange time (America/New_York, nanoseconds) holding the *start* of
each bar, one row a minute, strictly ascending, and the float64 columns open, high, low, close (price in
dollars or index points) and volume (shares; 0 where the instrument has none).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.options import parse_date

EXCHANGE_TZ = "America/New_York"
PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_COLUMNS = (*PRICE_COLUMNS, "volume")
SESSION_OPEN_MINUTE = 9 * 60 + 30
SESSION_CLOSE_MINUTE = 16 * 60
SESSION_MINUTES = SESSION_CLOSE_MINUTE - SESSION_OPEN_MINUTE
_MINUTE_NS = 60_000_000_000
_STEPS_THAT_SHOW_AN_INTERVAL = 10

RowName = Callable[[int], str]  # position in the frame -> how the user finds it, e.g. "line 57"


def validate_bars(
    frame: pd.DataFrame, *, source: str, row_name: RowName | None = None, bar_minutes: int = 1
) -> pd.DataFrame:
    """Checks a bar frame and returns it in canonical form; a column of NaN volume becomes 0.

    Args:
        frame: bars as the module's docstring describes them; further columns are dropped.
        source: the file or service that errors name.
        row_name: names the row at a position in errors; the bar's stamp by default.
        bar_minutes: minutes that one bar spans.

    Raises:
        DataError: naming source, row and remedy, at the first bar that breaks a rule.
    """
    missing = [name for name in BAR_COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(
            f"{source}: no column {', '.join(missing)} among {', '.join(map(str, frame.columns))}: "
            f"a bar needs {', '.join(BAR_COLUMNS)}"
        )
    if frame.empty:
        raise DataError(f"{source}: holds no bars: give at least one session of one-minute bars")
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != EXCHANGE_TZ:
        raise DataError(f"{source}: bars are not indexed by {EXCHANGE_TZ} time: convert the stamps")

    bars = frame.loc[:, list(BAR_COLUMNS)].astype("float64")
    bars.index = index.as_unit("ns").rename("datetime")
    if bars["volume"].isna().all():
        bars["volume"] = 0.0
    name_row = row_name or (lambda position: f"bar {index[position]}")
    _check_stamps(bars.index, source, name_row, bar_minutes)
    _check_interval(bars.index, source, bar_minutes)
    _check_values(bars, source, name_row)
    _check_ranges(bars, source, name_row)
    return bars


def _check_stamps(index: pd.DatetimeIndex, source: str, row_name: RowName, bar_minutes: int) -> None:
    stamps = index.asi8
    step = np.diff(stamps, prepend=stamps[0] - 1)
    rules = (
        (step == 0, "stamp {} is a duplicate of the bar before it: keep one row a minute"),
        (
            step < 0,
            "stamp {} is earlier than the bar before it: sort the rows by time, oldest first, or set file_row_order",
        ),
        (
            stamps % _MINUTE_NS != 0,
            "stamp {} is not on a whole minute: give one-minute bars, stamped at their start",
        ),
        (
            stamps % (bar_minutes * _MINUTE_NS) != 0,
            f"stamp {{}} is not on a multiple of file_bar_minutes={bar_minutes}: declare the file's own interval",
        ),
    )
    for broken, text in rules:
        _refuse(broken, source, row_name, text, index)


def _check_interval(index: pd.DatetimeIndex, source: str, bar_minutes: int) -> None:
    """Refuses bars that are all further apart than declared: five-minute bars are no gaps in one-minute bars."""
    dates = session_dates(index).asi8
    steps = np.diff(index.asi8)[np.diff(dates) == 0]
    apart = int(np.gcd.reduce(steps)) // _MINUTE_NS if len(steps) else bar_minutes
    if len(steps) >= _STEPS_THAT_SHOW_AN_INTERVAL and apart != bar_minutes:
        raise DataError(
            f"{source}: bars are {apart} minutes apart, but file_bar_minutes={bar_minutes}: "
            f"declare file_bar_minutes={apart}, or give {bar_minutes}-minute bars"
        )


def _check_values(bars: pd.DataFrame, source: str, row_name: RowName) -> None:
    for name in BAR_COLUMNS:
        values = bars[name].to_numpy()
        too_low, floor = (values < 0, "0 or more") if name == "volume" else (values <= 0, "above 0")
        rules = (
            (np.isnan(values), f"{name} is empty (NaN): fill it in or drop the row"),
            (np.isinf(values), f"{name} is infinite: correct it or drop the row"),
            (too_low, f"{name} is {{}}, but must be {floor}: correct it or drop the row"),
        )
        for broken, text in rules:
            _refuse(broken, source, row_name, text, values)


def _check_ranges(bars: pd.DataFrame, source: str, row_name: RowName) -> None:
    orders = (("high", "low"), ("high", "open"), ("high", "close"), ("open", "low"), ("close", "low"))
    for upper, lower in orders:
        above, below = bars[upper].to_numpy(), bars[lower].to_numpy()
        text = f"{upper} {{}} is below {lower} {{}}, but low <= open, close <= high must hold: correct the bar"
        _refuse(above < below, source, row_name, text, above, below)


def _refuse(broken: np.ndarray, source: str, row_name: RowName, text: str, *columns: Any) -> None:
    """Raises DataError at the first broken row, `text` filled in with that row's value of each column."""
    if broken.any():
        at = int(np.argmax(broken))
        raise DataError(f"{source}, {row_name(at)}: {text.format(*(column[at] for column in columns))}")


def session_dates(index: pd.Index) -> pd.DatetimeIndex:
    """The naive exchange date of each stamp of a bar frame's index, [N]."""
    return pd.DatetimeIndex(index).tz_localize(None).normalize()


def between_dates(frame: pd.DataFrame, start: str | None, end: str | None) -> pd.DataFrame:
    """The bars of the exchange dates start … end, both inclusive ISO dates or None."""
    dates = session_dates(frame.index)
    keep = np.ones(len(frame), dtype=bool)
    first, last = parse_date("start_date", start), parse_date("end_date", end)
    if first is not None:
        keep &= dates >= pd.Timestamp(first)
    if last is not None:
        keep &= dates <= pd.Timestamp(last)
    return frame[keep]


def last_sessions(frame: pd.DataFrame, count: int | None) -> pd.DataFrame:
    """The bars of the last `count` sessions; all of them for None."""
    if count is None:
        return frame
    dates = session_dates(frame.index)
    return frame[dates.isin(dates.unique()[-count:])]
