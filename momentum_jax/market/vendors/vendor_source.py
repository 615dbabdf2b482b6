"""Bars from a data vendor: the source that a configuration asks for, over the vendor's own module and the cache."""

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd

from momentum_jax.market.bars import between_dates, validate_bars
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig, parse_date
from momentum_jax.market.sessions import last_finished_date
from momentum_jax.market.vendors.cache import BarCache
from momentum_jax.market.vendors.download import Download
from momentum_jax.market.vendors.protocol import Pace, Vendor
from momentum_jax.market.vendors.symbols import vendor_symbol


def _now() -> datetime:
    return datetime.now(UTC)


class VendorSource:
    """A bar source over a vendor, with a cache: a broken download is resumed where it stopped.

    Args:
        vendor: where bars come from.
        cache_path: folder of the cache.
        now: the present moment, with a zone.
        refresh: whether sessions that are stored as incomplete are fetched again.
    """

    def __init__(self, vendor: Vendor, cache_path: str, now: Callable[[], datetime] = _now, refresh: bool = True):
        self._vendor = vendor
        self._cache_path = cache_path
        self._now = now
        self._refresh = refresh

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """See `BarSource.bars`; both dates are needed. A session that has not ended in New York is refused."""
        name = self._vendor.name
        first, last = parse_date("start_date", start), parse_date("end_date", end)
        if first is None or last is None:
            raise DataError(f"{name}: give start_date and end_date of what to fetch")
        newest = last_finished_date(self._now())
        if last > newest:
            raise DataError(f"{name}: end_date {end} is not over yet in New York: end with {newest} at most")
        symbol = vendor_symbol(symbol)
        cache = BarCache(self._cache_path, name, symbol)
        with cache.locked():
            frames = Download(self._vendor, cache, symbol, self._now).frames(first, last, self._refresh)
        joined = between_dates(pd.concat(frames), start, end) if frames else pd.DataFrame()
        if joined.empty:
            raise DataError(f"{name}: no bars of {symbol} from {start} to {end}: {self._vendor.limits}")
        return validate_bars(joined, source=f"{name}, {symbol}")


def open_vendor(config: MarketConfig, refresh: bool = True) -> VendorSource:
    """The source of a configuration whose data_source is a vendor.

    Args:
        config: dates, cache and pace.
        refresh: whether sessions that are stored as incomplete are fetched again.
    """
    from momentum_jax.market.vendors import alpaca, massive, yahoo

    vendors: dict[str, type[massive.Massive] | type[alpaca.Alpaca] | type[yahoo.Yahoo]] = {
        "massive": massive.Massive,
        "alpaca": alpaca.Alpaca,
        "yfinance": yahoo.Yahoo,
    }
    vendor = vendors[config.data_source]
    seconds = vendor.request_seconds if config.request_seconds is None else config.request_seconds
    return VendorSource(vendor(Pace(seconds)), config.cache_path, refresh=refresh)
