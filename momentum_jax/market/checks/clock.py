"""Whether the bars' clock is the exchange's: when volume steps up, and which minutes sessions have and lack."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_CLOSE_MINUTE, SESSION_MINUTES, SESSION_OPEN_MINUTE, session_dates
from momentum_jax.market.checks.quality import ERROR, WARN, Finding
from momentum_jax.market.sessions import close_minutes

CLOCK = "clock"

BIN_MINUTES = 30
OPEN_BIN = SESSION_OPEN_MINUTE // BIN_MINUTES
STEP_TIMES = 3.0  # volume at the open is at least this many times that of the half hour before
BUSY_SHARE = 0.2  # of the busiest half hour's volume: before the open a step from little to little is none
AT_OPEN_SHARE = 0.5  # of the days that show a step: fewer at 09:30 make the clock wrong
EDGE_SHARE = 0.9  # of the sessions that lack their first bar and have one at their close, or the reverse
FEWEST_OPENINGS = 5  # days with bars from 09:28 to 09:31
LACKING_SHARE = 0.5  # of a session's bars, and of the sessions
_SPAN_TOLERANCE = 5  # minutes by which a whole session's bars may miss 390
_BINS = 24 * 60 // BIN_MINUTES


class Steps(NamedTuple):
    """When volume steps up, on the days that show it."""

    bins: np.ndarray  # [days that show it] half hour of the day, 0 … 47

    @property
    def common_bin(self) -> int:
        return int(np.bincount(self.bins, minlength=_BINS).argmax())

    @property
    def at_open(self) -> float:
        """Share of the days that step up at 09:30."""
        return float((self.bins == OPEN_BIN).mean())

    @property
    def wrong(self) -> bool:
        return len(self.bins) > 0 and self.at_open < AT_OPEN_SHARE

    @property
    def text(self) -> str:
        count = int((self.bins == self.common_bin).sum())
        clock = f"{self.common_bin // 2:02d}:{self.common_bin % 2 * 30:02d}"
        return f"volume steps up at {clock} on {count} of {len(self.bins)} days, not at 09:30"


def volume_steps(bars: pd.DataFrame) -> Steps:
    """The half hour in which each day's volume steps up, on days that show one.

    A day shows it by bars before and after the step, or by bars that span exactly a session. Where no bar has volume,
    bars are counted.

    Args:
        bars: a bar frame, extended hours included.
    """
    index = pd.DatetimeIndex(bars.index)
    days, dates = pd.factorize(session_dates(index))
    minute = np.asarray(index.hour * 60 + index.minute)
    volume = bars["volume"].to_numpy()
    weight = volume if volume.any() else np.ones(len(bars))
    profile = np.bincount(days * _BINS + minute // BIN_MINUTES, weight, len(dates) * _BINS).reshape(-1, _BINS)
    before = np.roll(profile, 1, axis=1)
    busy = (profile >= BUSY_SHARE * profile.max(axis=1, keepdims=True)) & (before > 0)
    times = np.divide(profile, before, out=np.zeros_like(profile), where=busy)
    step, inside = times.argmax(axis=1), times.max(axis=1) >= STEP_TIMES
    first, last = (pd.Series(minute).groupby(days).agg(how).to_numpy() for how in ("min", "max"))
    whole = np.abs(last + 1 - first - SESSION_MINUTES) <= _SPAN_TOLERANCE
    begins = (first + _SPAN_TOLERANCE) // BIN_MINUTES
    on_weekdays = np.asarray(pd.DatetimeIndex(dates).day_of_week < 5)
    return Steps(np.where(whole, begins, step)[(inside | whole) & on_weekdays])


class Edges(NamedTuple):
    """Evidence that stamps are the other end of their bars than declared."""

    wrong: str  # "start" or "end": what they are declared to be, wrongly; empty where nothing says so
    text: str


def stamp_edges(bars: pd.DataFrame) -> Edges:
    """Whether bars lie a minute late or early: by the sessions' first and last bars, and by the opening's volume.

    Args:
        bars: a bar frame of one-minute bars, extended hours included.
    """
    index = pd.DatetimeIndex(bars.index)
    dates, minute = session_dates(index), np.asarray(index.hour * 60 + index.minute)
    closes = close_minutes(dates[0], dates[-1])
    traded = closes.index[closes.index.isin(dates)]
    if traded.empty:
        return Edges("", "")
    close = closes.reindex(dates, fill_value=-1).to_numpy()

    def having(rows: np.ndarray) -> np.ndarray:
        return np.asarray(traded.isin(dates[rows]))

    late = ~having(minute == SESSION_OPEN_MINUTE) & having(minute == close)
    begins = having(minute == SESSION_OPEN_MINUTE - 1) & ~having(minute < SESSION_OPEN_MINUTE - 1)
    early = begins & ~having(minute == close - 1) & ~having(minute == close)
    if late.mean() >= EDGE_SHARE:
        return Edges(
            "start", f"{late.sum()} of {len(traded)} sessions lack 09:30 and have a bar at their close (16:00)"
        )
    if early.mean() >= EDGE_SHARE:
        return Edges("end", f"{early.sum()} of {len(traded)} sessions begin with 09:29 and lack their last bar")
    opening = _opening_minute(bars["volume"].to_numpy(), dates, minute)
    if opening in (None, SESSION_OPEN_MINUTE):
        return Edges("", "")
    text = f"volume steps up with the bar of {opening // 60:02d}:{opening % 60:02d}, not of 09:30"
    return Edges("start" if opening > SESSION_OPEN_MINUTE else "end", text)


def _opening_minute(volume: np.ndarray, dates: pd.DatetimeIndex, minute: np.ndarray) -> int | None:
    """The minute from 09:29 to 09:31 with which volume steps up the most, if it does."""
    around = range(SESSION_OPEN_MINUTE - 2, SESSION_OPEN_MINUTE + 2)
    days = pd.DataFrame({at: pd.Series(volume[minute == at], index=dates[minute == at]) for at in around}).dropna()
    days = days[(days > 0).all(axis=1)]
    if len(days) < FEWEST_OPENINGS:
        return None
    times = {at: float((days[at] / days[at - 1]).median()) for at in around[1:]}
    opening = max(times, key=lambda at: times[at])
    return opening if times[opening] >= STEP_TIMES else None


def lacks_most(table: pd.DataFrame) -> bool:
    """Whether most sessions lack most of their bars.

    Args:
        table: see `quality.session_table`.
    """
    traded = table[table["bars"] > 0]
    return len(traded) > 0 and float((traded["missing"] > LACKING_SHARE * traded["expected"]).mean()) > LACKING_SHARE


def lacks_edges(bars: pd.DataFrame, table: pd.DataFrame) -> bool:
    """Whether most sessions lack their first and their last half hour.

    Args:
        bars: bars of sessions, see `sessions.cut_sessions`.
        table: see `quality.session_table`.
    """
    traded = table[table["bars"] > 0]
    index = pd.DatetimeIndex(bars.index)
    dates, minute = session_dates(index), np.asarray(index.hour * 60 + index.minute)
    closes = close_minutes(dates[0], dates[-1]).reindex(dates).to_numpy()
    edge = (minute < SESSION_OPEN_MINUTE + BIN_MINUTES) | (minute >= closes - BIN_MINUTES)
    return float((~traded.index.isin(dates[edge])).mean()) > LACKING_SHARE


def clock_findings(bars: pd.DataFrame, inside: pd.DataFrame, table: pd.DataFrame, bar_minutes: int) -> list[Finding]:
    """What says that the clock of the stamps is not the exchange's.

    Args:
        bars: a bar frame, extended hours included.
        inside: those of its bars that lie in sessions.
        table: see `quality.session_table`.
        bar_minutes: minutes that one bar spans.
    """
    steps, few = volume_steps(bars), lacks_most(table)
    if steps.wrong:
        lost = ", and most sessions lack most of their bars" if few else ""
        return [Finding(ERROR if few else WARN, CLOCK, None, f"the clock looks wrong: {steps.text}{lost}")]
    edges = stamp_edges(bars) if bar_minutes == 1 else Edges("", "")
    if edges.wrong:
        return [Finding(WARN, CLOCK, None, f"stamps look like the other end of their bars: {edges.text}")]
    if few and lacks_edges(inside, table):
        text = "the clock looks wrong: most sessions lack most of their bars, the open and the close among them"
        return [Finding(ERROR, CLOCK, None, text)]
    return []


def clock_fits(bars: pd.DataFrame, bar_minutes: int) -> bool:
    """Whether there are signs that the clock is the exchange's, and none that it is not."""
    steps = volume_steps(bars)
    if steps.wrong or (bar_minutes == 1 and stamp_edges(bars).wrong):
        return False
    opens = _edge_minutes(bars, "min").get(SESSION_OPEN_MINUTE, 0.0)
    closes = _edge_minutes(bars, "max").get(SESSION_CLOSE_MINUTE - bar_minutes, 0.0)
    return len(steps.bins) > 0 or max(opens, closes) >= EDGE_SHARE


def hours_off(bars: pd.DataFrame) -> float:
    """Hours that the clock seems to run ahead of New York's: by the step of volume, else by the days' first bars."""
    steps = volume_steps(bars)
    if len(steps.bins):
        return (steps.common_bin - OPEN_BIN) * BIN_MINUTES / 60
    return (int(_edge_minutes(bars, "min").index[0]) - SESSION_OPEN_MINUTE) / 60


def _edge_minutes(bars: pd.DataFrame, edge: str) -> pd.Series:
    """Share of the days by the minute of their first ("min") or last ("max") bar, the commonest first."""
    index = pd.DatetimeIndex(bars.index)
    minute = pd.Series(np.asarray(index.hour * 60 + index.minute))
    return minute.groupby(np.asarray(session_dates(index).asi8)).agg(edge).value_counts(normalize=True)
