"""Dates on which the clock of the stamps runs at another distance from the exchange's than on the others.

A clock that changes to summer time on other dates than New York, or never, is right for one part of the year and an
hour off for the other. Single days tell nothing: news, and symbols that hardly trade, move the step of volume.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import EXCHANGE_TZ
from momentum_jax.market.checks.volume_steps import OPEN_BIN, Steps, clock_time, opens_together

_CHANGING_ZONES = (EXCHANGE_TZ, "Europe/London", "Australia/Sydney")  # America, Europe and the south change apart
_HOUR = 2  # half hours
_SEASONAL_SHIFTS = (-2 * _HOUR, -_HOUR, _HOUR, 2 * _HOUR)  # two hours where one clock goes forward and one back
FEWEST_BETWEEN_CHANGES = 2  # days of a stretch between two changes of daylight saving
FEWEST_IN_A_ROW = 5  # days elsewhere
_MAJORITY = 0.5
_SHOWN = 4


class Stretch(NamedTuple):
    """Days in a row of which volume steps up in the same other half hour."""

    first: pd.Timestamp
    last: pd.Timestamp
    half_hour: int  # 0 … 47
    days: int  # that step up then
    of_days: int  # that show a step

    @property
    def text(self) -> str:
        return (
            f"at {clock_time(self.half_hour)} from {self.first.date()} to {self.last.date()} "
            f"({self.days} of {self.of_days} days)"
        )


def shifted_stretches(steps: Steps) -> list[Stretch]:
    """Stretches of dates with a clock of their own, in time order; empty where all dates share one.

    A stretch between two changes of daylight saving (in America, Europe or Australia) counts from two days on, if most
    of them step up one or two hours from 09:30; any other row of days counts from five on.
    """
    rows: list[tuple[int, int, int]] = []
    for start, stop in _between_changes(steps.dates):
        values, counts = np.unique(steps.bins[start:stop], return_counts=True)
        common = int(values[counts.argmax()])
        seasonal = common - OPEN_BIN in _SEASONAL_SHIFTS and counts.max() > _MAJORITY * (stop - start)
        if seasonal and counts.max() >= FEWEST_BETWEEN_CHANGES:
            rows.append((start, stop, common))
    for start, stop in _pieces(np.diff(steps.bins) != 0, len(steps.bins)):
        if steps.bins[start] != OPEN_BIN and stop - start >= FEWEST_IN_A_ROW:
            rows.append((start, stop, int(steps.bins[start])))
    joined = _joined(sorted(rows))
    return [_stretch(steps, *row) for row in joined if not opens_together(steps.profiles[row[0] : row[1]])]


def describe(stretches: list[Stretch]) -> str:
    """When volume steps up, stretch by stretch; the first few where there are many."""
    more = f", and in {len(stretches) - _SHOWN} more stretches" if len(stretches) > _SHOWN else ""
    return f"volume steps up {', '.join(stretch.text for stretch in stretches[:_SHOWN])}{more}, not at 09:30"


def _between_changes(dates: pd.DatetimeIndex) -> list[tuple[int, int]]:
    """Rows from one change of any clock to the next."""
    noon = (dates + pd.Timedelta(hours=12)).tz_localize("UTC")
    offsets = [noon.tz_convert(zone).tz_localize(None).asi8 - noon.asi8 for zone in _CHANGING_ZONES]
    return _pieces(np.any(np.diff(offsets, axis=1) != 0, axis=0), len(dates))


def _pieces(ends: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Start and stop of the pieces of `count` rows; `ends` [count - 1] says after which rows one ends."""
    cuts = [0, *(np.flatnonzero(ends) + 1).tolist(), count]
    return [(start, stop) for start, stop in itertools.pairwise(cuts) if stop > start]


def _joined(rows: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The same with those of one half hour put together that touch or overlap."""
    result: list[tuple[int, int, int]] = []
    for start, stop, half_hour in rows:
        if result and start <= result[-1][1] and half_hour == result[-1][2]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]), half_hour)
        else:
            result.append((start, stop, half_hour))
    return result


def _stretch(steps: Steps, start: int, stop: int, half_hour: int) -> Stretch:
    days = int((steps.bins[start:stop] == half_hour).sum())
    return Stretch(steps.dates[start], steps.dates[stop - 1], half_hour, days, stop - start)
