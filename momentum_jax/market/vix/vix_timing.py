"""Which daily close of the VIX a bar sees."""

import numpy as np

from momentum_jax.market.errors import DataError

DEFAULT_VIX = 20.0
_DAY_NS = 86_400 * 10**9


def seen_vix(
    bar_time_ns: np.ndarray, vix_date_ns: np.ndarray, vix_close: np.ndarray, vix_timing: str
) -> tuple[np.ndarray, np.ndarray]:
    """The VIX that each bar sees and the earlier one that it is compared with, [N] each."""
    if vix_timing == "previous":
        return previous_vix(bar_time_ns, vix_date_ns, vix_close)
    vix = daily_vix(bar_time_ns, vix_date_ns, vix_close)
    # The reference compares with the end of the whole series, whatever the day.
    return vix, np.full(vix.shape, vix_close[-2] if vix_close.size > 1 else 0.0)


def daily_vix(bar_time_ns: np.ndarray, vix_date_ns: np.ndarray, vix_close: np.ndarray) -> np.ndarray:
    """VIX close of each bar's day [N]; the series' last value where the day is missing, 20 without a series."""
    if vix_close.size == 0:
        return np.full(bar_time_ns.shape, DEFAULT_VIX)
    dates = vix_date_ns // _DAY_NS
    days = bar_time_ns // _DAY_NS
    position = np.clip(np.searchsorted(dates, days), 0, dates.size - 1)
    return np.where(dates[position] == days, vix_close[position], vix_close[-1])


def previous_vix(
    bar_time_ns: np.ndarray, vix_date_ns: np.ndarray, vix_close: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The last VIX close before each bar's day, and the one before that, [N] each (the first close twice).

    Raises:
      DataError: when no close lies before the first bar.
    """
    place = np.searchsorted(vix_date_ns // _DAY_NS, bar_time_ns // _DAY_NS) - 1
    if place[0] < 0:
        day = np.datetime64(int(bar_time_ns[0] // _DAY_NS), "D")
        raise DataError(f"vix_timing=previous: no VIX close before {day}: begin the VIX a session earlier")
    return vix_close[place], vix_close[np.maximum(place - 1, 0)]
