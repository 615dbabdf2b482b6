"""Whether the bars' clock is the exchange's: when volume steps up, and which minutes sessions have and lack."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_CLOSE_MINUTE, SESSION_OPEN_MINUTE, session_dates
from momentum_jax.market.checks.quality import ERROR, WARN, Finding, session_table
from momentum_jax.market.checks.shifted_dates import describe, shifted_stretches
from momentum_jax.market.checks.volume_steps import BIN_MINUTES, OPEN_BIN, STEP_TIMES, volume_steps
from momentum_jax.market.sessions import close_minutes, cut_sessions

CLOCK = "clock"

EDGE_SHARE = 0.9  # of the sessions that lack their first bar and have one at their close, or the reverse
FEWEST_OPENINGS = 5  # days with bars from 09:28 to 09:31
LACKING_SHARE = 0.5  # of a session's bars, and of the sessions


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
    shifted = shifted_stretches(steps)
    if shifted:
        text = f"the clock looks wrong for a part of the dates: {describe(shifted)}"
        return [Finding(WARN, CLOCK, None, text)]
    edges = stamp_edges(bars) if bar_minutes == 1 else Edges("", "")
    if edges.wrong:
        return [Finding(WARN, CLOCK, None, f"stamps look like the other end of their bars: {edges.text}")]
    if few and lacks_edges(inside, table):
        text = "the clock looks wrong: most sessions lack most of their bars, the open and the close among them"
        return [Finding(ERROR, CLOCK, None, text)]
    return []


def clock_fits(bars: pd.DataFrame, bar_minutes: int) -> bool:
    """Whether there are signs that the clock is the exchange's, bars of sessions, and no finding against it."""
    sessions = cut_sessions(bars, bar_minutes=bar_minutes)
    if sessions.bars.empty or clock_findings(bars, sessions.bars, session_table(sessions), bar_minutes):
        return False
    opens = _edge_minutes(bars, "min").get(SESSION_OPEN_MINUTE, 0.0)
    closes = _edge_minutes(bars, "max").get(SESSION_CLOSE_MINUTE - bar_minutes, 0.0)
    return len(volume_steps(bars).bins) > 0 or max(opens, closes) >= EDGE_SHARE


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
