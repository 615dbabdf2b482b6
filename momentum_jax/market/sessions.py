"""Exchange sessions: which bars belong to one, and what to do about missing minutes.

Holidays and early closes come from the exchange_calendars package (New York Stock Exchange).
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import (
    EXCHANGE_TZ,
    PRICE_COLUMNS,
    SESSION_CLOSE_MINUTE,
    SESSION_MINUTES,
    SESSION_OPEN_MINUTE,
    session_dates,
)

_MARGIN = pd.Timedelta(days=10)  # holds a session on any side of any date
_DELAY_MINUTES = 30  # after a close: vendors' free plans lag by 15 minutes


class Sessions(NamedTuple):
    """Bars cut into sessions, and what was cut away."""

    bars: pd.DataFrame  # bar frame: the bars that start inside a session
    expected: pd.Series  # bars of a complete session, by naive date; every session from the first to the last date
    off_calendar: pd.Series  # bars between 09:30 and 16:00 on dates without a session, by date
    after_close: pd.Series  # bars between an early close and 16:00, by date
    outside: int  # all other bars: before 09:30, from 16:00 on


def close_minutes(first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Minute of the day (New York) at which each session from `first` to `last` closes, by naive date."""
    # Sought by year: one calendar then serves many ranges.
    closes = _calendar(first.year, last.year)
    return closes[(closes.index >= first) & (closes.index <= last)]


def last_finished_date(now: datetime) -> date:
    """The newest New York date that brings no more regular bars at the moment `now` (of any zone).

    That is today from half an hour after its session's close, or where it has no session; yesterday before.
    """
    local = pd.Timestamp(now).tz_convert(EXCHANGE_TZ)
    midnight = local.tz_localize(None).normalize()
    closes = close_minutes(midnight, midnight)
    finished = closes.empty or local.hour * 60 + local.minute >= closes.iloc[0] + _DELAY_MINUTES
    return local.date() if finished else local.date() - timedelta(days=1)


def previous_session(day: date) -> date:
    """The last date before `day` that had a session."""
    before = pd.Timestamp(day) - pd.Timedelta(days=1)
    return close_minutes(before - _MARGIN, before).index[-1].date()


@lru_cache(maxsize=8)
def _calendar(first_year: int, last_year: int) -> pd.Series:
    import exchange_calendars  # takes a second to import

    start, end = pd.Timestamp(f"{first_year}-01-01") - _MARGIN, pd.Timestamp(f"{last_year}-12-31") + _MARGIN
    closes = exchange_calendars.get_calendar("XNYS", start=start, end=end).closes
    local = pd.DatetimeIndex(closes).tz_convert(EXCHANGE_TZ)
    dates = pd.DatetimeIndex(closes.index).as_unit("ns").rename("date")
    return pd.Series(local.hour * 60 + local.minute, index=dates, name="close_minute")


def naive_utc_clock(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars as the reference saw them: UTC clock times called New York times, and 09:30 to 16:00 cut from those."""
    utc = pd.DatetimeIndex(bars.index).tz_convert("UTC").tz_localize(None)
    minute = utc.hour * 60 + utc.minute
    inside = (minute >= SESSION_OPEN_MINUTE) & (minute < SESSION_CLOSE_MINUTE)
    kept = bars[inside]
    kept.index = pd.DatetimeIndex(utc[inside]).tz_localize(EXCHANGE_TZ).rename("datetime")
    return kept


def cut_sessions(bars: pd.DataFrame, clock: str = "exchange", bar_minutes: int = 1) -> Sessions:
    """Cuts the regular sessions out of a bar frame.

    Args:
        bars: a bar frame, extended hours included.
        clock: "exchange", or "naive_utc" for the reference's mistaken clock, which knows no early closes.
        bar_minutes: minutes that one bar spans.
    """
    outside = 0
    if clock == "naive_utc":
        total, bars = len(bars), naive_utc_clock(bars)
        outside = total - len(bars)
    index = pd.DatetimeIndex(bars.index)
    dates, minute = session_dates(index), index.hour * 60 + index.minute
    if bars.empty:
        nothing = pd.Series(dtype="int64")
        return Sessions(bars, nothing, nothing, nothing, outside)
    closes = close_minutes(dates[0], dates[-1])
    if clock == "naive_utc":
        closes = closes.clip(lower=SESSION_CLOSE_MINUTE)
    close = closes.reindex(dates, fill_value=0).to_numpy()
    regular = np.asarray((minute >= SESSION_OPEN_MINUTE) & (minute < SESSION_CLOSE_MINUTE))
    inside = regular & np.asarray(minute < close)
    return Sessions(
        bars=bars[inside],
        expected=(-((SESSION_OPEN_MINUTE - closes) // bar_minutes)).rename("expected"),
        off_calendar=_count(dates[regular & (close == 0)]),
        after_close=_count(dates[regular & (close > 0) & ~inside]),
        outside=outside + int((~regular).sum()),
    )


def _count(dates: pd.DatetimeIndex) -> pd.Series:
    return dates.value_counts().sort_index()


def fill_minutes(bars: pd.DataFrame, expected: pd.Series, bar_minutes: int = 1) -> pd.DataFrame:
    """Adds the missing bars of each session: prices of the last close, volume 0, marked in the column `filled`.

    Args:
        bars: bars of whole sessions, each with its first bar present; Its sessions are those of `bars`.
        expected: bars of a complete session, by naive date.
        bar_minutes: minutes that one bar spans.
    """
    dates = session_dates(bars.index).unique()
    steps = np.arange(-(-SESSION_MINUTES // bar_minutes))
    offsets = (SESSION_OPEN_MINUTE + bar_minutes * steps).astype("timedelta64[m]")
    wanted = steps[None, :] < expected.reindex(dates).to_numpy()[:, None]
    stamps = (dates.to_numpy()[:, None] + offsets)[wanted]
    full = bars.reindex(pd.DatetimeIndex(stamps).tz_localize(EXCHANGE_TZ).rename("datetime"))
    full["filled"] = full["close"].isna()
    full["close"] = full["close"].ffill()
    for name in PRICE_COLUMNS[:3]:
        full[name] = full[name].fillna(full["close"])
    full["volume"] = full["volume"].fillna(0.0)
    return full
