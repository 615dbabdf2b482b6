"""What a vendor's own module provides and uses: it knows its client, its limits and its errors."""

import time
from collections.abc import Callable
from datetime import date
from typing import Protocol

import pandas as pd

from momentum_jax.market.errors import DataError

MONTH_DAYS = 31


class Vendor(Protocol):
    """What a vendor's module provides."""

    name: str
    limits: str  # what the vendor documents, said where an answer is empty
    stretch_days: int  # most days asked for at once; 31 for whole months
    request_seconds: float  # least seconds between requests on its free plan

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        """All one-minute bars of the exchange dates first … last, both inclusive, as a bar frame.

        Args:
            symbol: as `symbols.vendor_symbol` spells it; the vendor's own spelling is the module's affair.
            first, last: New York dates.

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


def missing_extra(name: str, package: str) -> DataError:
    """The error of an optional package that is not installed."""
    return DataError(f"data_source is {name!r} but {package} is not installed: pip install 'momentum_jax[{name}]'")
