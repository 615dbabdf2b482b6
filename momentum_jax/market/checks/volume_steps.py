"""In which half hour volume steps up, day by day: at 09:30 if the clock of the stamps is the exchange's."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_MINUTES, SESSION_OPEN_MINUTE, session_dates

BIN_MINUTES = 30
OPEN_BIN = SESSION_OPEN_MINUTE // BIN_MINUTES
STEP_TIMES = 3.0  # volume at the open is at least this many times that of the half hour before
BUSY_SHARE = 0.2  # of the busiest half hour's volume: before the open a step from little to little is none
AT_OPEN_SHARE = 0.5  # of the days that show a step: fewer at 09:30 make the clock wrong
SPAN_TOLERANCE = 5  # minutes by which a whole session's bars may miss 390
_BINS = 24 * 60 // BIN_MINUTES


class Steps(NamedTuple):
    """When volume steps up, on the days that show it."""

    dates: pd.DatetimeIndex  # [days that show it] naive, ascending
    bins: np.ndarray  # [days that show it] half hour of the day, 0 … 47
    profiles: np.ndarray  # [days that show it, 48] share of the day's volume in each half hour

    @property
    def common_bin(self) -> int:
        return int(np.bincount(self.bins, minlength=_BINS).argmax())

    @property
    def at_open(self) -> float:
        """Share of the days that step up at 09:30."""
        return float((self.bins == OPEN_BIN).mean())

    @property
    def wrong(self) -> bool:
        if len(self.bins) == 0 or self.at_open >= AT_OPEN_SHARE:
            return False
        scattered = (self.bins == self.common_bin).mean() < AT_OPEN_SHARE
        return not (scattered and opens_together(self.profiles))

    @property
    def text(self) -> str:
        count = int((self.bins == self.common_bin).sum())
        return f"volume steps up at {clock_time(self.common_bin)} on {count} of {len(self.bins)} days, not at 09:30"


def clock_time(half_hour: int) -> str:
    """The beginning of a half hour of the day (0 … 47), as 09:30."""
    return f"{half_hour // 2:02d}:{half_hour % 2 * BIN_MINUTES:02d}"


def opens_together(profiles: np.ndarray) -> bool:
    """Whether days together step up at 09:30; those of a symbol that hardly trades do, wherever each day's step is.

    Args:
        profiles: see `Steps.profiles`.
    """
    total = profiles.sum(axis=0)
    return bool(total[OPEN_BIN] >= max(STEP_TIMES * total[OPEN_BIN - 1], BUSY_SHARE * total.max()))


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
    whole = np.abs(last + 1 - first - SESSION_MINUTES) <= SPAN_TOLERANCE
    begins = (first + SPAN_TOLERANCE) // BIN_MINUTES
    on_weekdays = np.asarray(pd.DatetimeIndex(dates).day_of_week < 5)
    shown = (inside | whole) & on_weekdays
    shares = profile[shown] / np.maximum(profile[shown].sum(axis=1, keepdims=True), 1e-300)
    return Steps(pd.DatetimeIndex(dates)[shown], np.where(whole, begins, step)[shown], shares)
