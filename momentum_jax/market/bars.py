"""Bars: the frame that every source delivers, and its checks.

A bar frame has a `DatetimeIndex` in exchange time (America/New_York, nanoseconds) holding the *start* of
each bar, one row a minute, strictly ascending, and the float64 columns open, high, low, close (price in
dollars or index points) and volume (shares; 0 where the instrument has none).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError, IntervalError
from momentum_jax.market.market_options import parse_date

EXCHANGE_TZ = "America/New_York"
PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_COLUMNS = (*PRICE_COLUMNS, "volume")
SESSION_OPEN_MINUTE = 9 * 60 + 30
SESSION_CLOSE_MINUTE = 16 * 60
SESSION_MINUTES = SESSION_CLOSE_MINUTE - SESSION_OPEN_MINUTE
MAX_BAR_MINUTES = 60
_MINUTE_NS = 60_000_000_000
_STEPS_THAT_SHOW_AN_INTERVAL = 10
_DATES_THAT_SHOW_DAYS = 5
_STRAY_SHARE = 0.25
_MOST_BARS_OF_A_DAY = 0.5  # dates a bar: above it most dates have a single one

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
            off_grid(index, bar_minutes),
            f"stamp {{}} is not on a multiple of file_bar_minutes={bar_minutes}: declare the file's own interval",
        ),
    )
    for broken, text in rules:
        _refuse(broken, source, row_name, text, index)


def off_grid(index: pd.DatetimeIndex, bar_minutes: int) -> np.ndarray:
    """Which stamps start no bar of that many minutes, counted from midnight or from the open, [N] bool."""
    interval = bar_minutes * _MINUTE_NS
    from_open = SESSION_OPEN_MINUTE * _MINUTE_NS
    # Exchange time differs from UTC by whole hours, so that only intervals that divide one lie alike in both.
    clock = pd.DatetimeIndex(index).tz_localize(None).as_unit("ns").asi8
    return np.asarray((clock % interval != 0) & ((clock - from_open) % interval != 0))


def _check_interval(index: pd.DatetimeIndex, source: str, bar_minutes: int) -> None:
    """Refuses bars that are all further apart than declared: five-minute bars are no gaps in one-minute bars."""
    dates = session_dates(index)
    within = np.diff(index.asi8)[np.diff(dates.asi8) == 0] // _MINUTE_NS
    if len(within) >= _STEPS_THAT_SHOW_AN_INTERVAL:
        apart = _common_step(within, bar_minutes)
    elif len(index) >= _DATES_THAT_SHOW_DAYS and dates.nunique() > _MOST_BARS_OF_A_DAY * len(index):
        apart = int(np.median(np.diff(index.asi8) // _MINUTE_NS))
    else:
        return
    if apart == bar_minutes:
        return
    what = f"{source}: bars are {_interval_text(apart)} apart, but file_bar_minutes={bar_minutes}"
    if apart > MAX_BAR_MINUTES:
        raise IntervalError(f"{what}, and no declaration makes minutes of them: give a file of one-minute bars")
    raise IntervalError(f"{what}: declare file_bar_minutes={apart}, or give {bar_minutes}-minute bars")


def _common_step(steps: np.ndarray, bar_minutes: int) -> int:
    """Minutes from bar to bar: those declared, if the steps allow it, else the step that most of them show."""
    values, counts = np.unique(steps, return_counts=True)
    common, grid = int(values[np.argmax(counts)]), int(np.gcd.reduce(steps))
    if bar_minutes in (grid, common):
        return bar_minutes
    # A missing bar makes a longer step, so that the grid is the interval; a stray bar makes a shorter one.
    return grid if counts[values == grid].sum() > _STRAY_SHARE * len(steps) else common


def _interval_text(minutes: int) -> str:
    for name, size in (("week", 7 * 1440), ("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = round(minutes / size)
            return f"{'an' if name == 'hour' else 'a'} {name}" if count == 1 else f"{count} {name}s"
    return "0 minutes"


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


def copies(frame: pd.DataFrame) -> np.ndarray:
    """Which bars of a frame repeat an earlier one, stamp and values, [N] bool."""
    if not frame.index.has_duplicates:
        return np.zeros(len(frame), dtype=bool)
    return frame.reset_index(drop=True).assign(stamp=pd.DatetimeIndex(frame.index).asi8).duplicated().to_numpy()


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
