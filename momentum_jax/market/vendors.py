"""Bars from a data vendor: fetched in stretches of dates, checked, cached, and joined.

A vendor's own module knows its client, its limits and its errors, and implements `Vendor`.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Protocol

import pandas as pd

from momentum_jax.market.bars import between_dates, session_dates, validate_bars
from momentum_jax.market.cache import BarCache
from momentum_jax.market.errors import DataError
from momentum_jax.market.options import MarketConfig
from momentum_jax.market.sessions import close_minutes

MONTH_DAYS = 31


class Vendor(Protocol):
    """What a vendor's module provides."""

    name: str
    limits: str  # what the vendor documents, said where an answer is empty
    stretch_days: int  # most days asked for at once; 31 for whole months

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        """All one-minute bars of the exchange dates first … last, both inclusive, as a bar frame.

        Raises:
            DataError: on any answer that is not known to be complete.
        """
        ...


class Pace:
    """Keeps requests apart in time."""

    def __init__(self, seconds: float, sleep: Callable[[float], None] = time.sleep):
        self._seconds = seconds
        self._sleep = sleep
        self._last: float | None = None

    def wait(self) -> None:
        """Returns when the next request may be sent."""
        now = time.monotonic()
        if self._last is not None and now < self._last + self._seconds:
            self._sleep(self._last + self._seconds - now)
        self._last = time.monotonic()


class VendorSource:
    """A bar source over a vendor, with a cache: a broken download is resumed where it stopped."""

    def __init__(self, vendor: Vendor, cache_path: str, today: Callable[[], date] = date.today):
        self._vendor = vendor
        self._cache_path = cache_path
        self._today = today

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """See `BarSource.bars`; both dates are needed. The present day, still incomplete, is refused."""
        name = self._vendor.name
        if start is None or end is None:
            raise DataError(f"{name}: give start_date and end_date of what to fetch")
        first, last = date.fromisoformat(start), date.fromisoformat(end)
        if last >= self._today():
            raise DataError(
                f"{name}: end_date {end} is not over yet: end with {self._today() - timedelta(days=1)} at most"
            )
        cache = BarCache(self._cache_path, name, symbol)
        frames = [
            self._stretch(cache, symbol, *stretch)
            for stretch in stretches(first, last, self._vendor.stretch_days, self._today() - timedelta(days=1))
        ]
        joined = between_dates(pd.concat(frames), start, end)
        if joined.empty:
            raise DataError(f"{name}: no bars of {symbol} from {start} to {end}: {self._vendor.limits}")
        return validate_bars(joined, source=f"{name}, {symbol}")

    def _stretch(self, cache: BarCache, symbol: str, first: date, last: date) -> pd.DataFrame:
        stored = cache.get(first, last)
        if stored is not None:
            return stored
        sessions = close_minutes(pd.Timestamp(first), pd.Timestamp(last)).index
        fetched = self._vendor.fetch(symbol, first, last)
        self._check_dates(fetched, symbol, pd.DatetimeIndex(sessions), first, last)
        cache.put(first, last, fetched)
        return fetched

    def _check_dates(
        self, fetched: pd.DataFrame, symbol: str, sessions: pd.DatetimeIndex, first: date, last: date
    ) -> None:
        """An answer can be cut short without saying so: every session has to have bars, and no other date."""
        name, asked = self._vendor.name, f"{symbol} from {first} to {last}"
        if fetched.empty and len(sessions):
            raise DataError(
                f"{name}: no bars in the answer for {asked}, which has {len(sessions)} sessions: {self._vendor.limits}"
            )
        if fetched.empty:
            return
        dates = session_dates(fetched.index)
        if dates[0] < pd.Timestamp(first) or dates[-1] > pd.Timestamp(last):
            raise DataError(
                f"{name}: asked for {asked}, but the answer covers {dates[0].date()} to {dates[-1].date()}: "
                f"nothing of it was stored, try again"
            )
        absent = sessions[~sessions.isin(dates)]
        if len(absent):
            raise DataError(
                f"{name}: the answer for {asked} has no bars of {len(absent)} of {len(sessions)} sessions, the first "
                f"{absent[0].date()}: nothing of it was stored; try again, or ask for others: {self._vendor.limits}"
            )


def stretches(first: date, last: date, days: int, newest: date) -> list[tuple[date, date]]:
    """Stretches that cover first … last, each a calendar month or a number of days, none beyond `newest`.

    They do not depend on where first and last lie within one, so that another range finds them in the cache.
    """
    result = []
    begin = first.replace(day=1) if days >= MONTH_DAYS else date.fromordinal(first.toordinal() // days * days)
    while begin <= last:
        after = (begin.replace(day=1) + timedelta(days=MONTH_DAYS + 1)).replace(day=1)
        after = after if days >= MONTH_DAYS else begin + timedelta(days=days)
        result.append((begin, min(after - timedelta(days=1), newest)))
        begin = after
    return result


def missing_extra(name: str, package: str) -> DataError:
    """The error of an optional package that is not installed."""
    return DataError(f"data_source is {name!r} but {package} is not installed: pip install 'momentum_jax[{name}]'")


def open_vendor(config: MarketConfig) -> VendorSource:
    """The source of a configuration whose data_source is a vendor."""
    from momentum_jax.market import alpaca, massive, yahoo

    pace = Pace(config.request_seconds)
    makers: dict[str, Callable[[], Vendor]] = {
        "massive": lambda: massive.Massive(pace),
        "alpaca": lambda: alpaca.Alpaca(pace),
        "yfinance": lambda: yahoo.Yahoo(pace),
    }
    return VendorSource(makers[config.data_source](), config.cache_path)
