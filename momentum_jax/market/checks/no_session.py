"""Why no bar lies in a session: dates that have none, extended hours alone, or perhaps a clock of another zone."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_CLOSE_MINUTE, SESSION_OPEN_MINUTE, session_dates
from momentum_jax.market.sessions import close_minutes

NO_SESSION = "no_session"
_EXTENDED = (4 * 60, 20 * 60)  # minutes of the day from which and to which shares are traded before and after sessions
_NEAR = 30  # minutes from a session: what begins or ends there is likelier to be extended hours than another clock
_MOST = 0.5  # of the days
_SHOWN = 4
_NONE = "no bar starts in a session (09:30 to 16:00 New York time)"


class Absence(NamedTuple):
    """Why there are no bars of sessions."""

    text: str
    doubtful_clock: bool  # whether another clock of the stamps may be the reason


def without_sessions(bars: pd.DataFrame) -> Absence:
    """What a bar frame of which no bar lies in a session holds instead.

    A session that lies elsewhere on a wrong clock leaves no bars from 09:30 to 16:00 of a date that has none, and no
    bars that end where a session begins.

    Args:
        bars: a bar frame, extended hours included.
    """
    index = pd.DatetimeIndex(bars.index)
    dates, minute = session_dates(index), np.asarray(index.hour * 60 + index.minute)
    regular = (minute >= SESSION_OPEN_MINUTE) & (minute < SESSION_CLOSE_MINUTE)
    if regular.any():
        when = _closed(dates[regular].unique())
        return Absence(f"{_NONE}: there are bars of these hours only {when}: give bars of session dates", False)
    if _extended_alone(dates, minute):
        first, last = (f"{at // 60:02d}:{at % 60:02d}" for at in (minute.min(), minute.max()))
        text = f"all bars start from {first} to {last}, as extended hours alone: give bars of the sessions too"
        return Absence(f"{_NONE}: {text}", False)
    return Absence(f"{_NONE}: check the time zone of the stamps", True)


def _closed(dates: pd.DatetimeIndex) -> str:
    """The dates, and why there was no session at the time."""
    closes = close_minutes(dates[0], dates[-1])
    early = dates.isin(closes.index)
    without = [f"{date.date()} ({date.day_name() if date.day_of_week >= 5 else 'a holiday'})" for date in dates[~early]]
    halves = [f"{date.date()} (at {closes[date] // 60:02d}:{closes[date] % 60:02d})" for date in dates[early]]
    parts = [("on dates without a session", without), ("after an early close", halves)]
    return " and ".join(f"{what}, {_listed(which)}" for what, which in parts if which)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _extended_alone(dates: pd.DatetimeIndex, minute: np.ndarray) -> bool:
    """Whether all bars lie in extended hours, and on most days up to a session or from its end on."""
    if not ((minute >= _EXTENDED[0]) & (minute < _EXTENDED[1])).all():
        return False
    near = (minute >= SESSION_OPEN_MINUTE - _NEAR) & (minute < SESSION_CLOSE_MINUTE + _NEAR)
    return len(dates[near].unique()) > _MOST * len(dates.unique())
