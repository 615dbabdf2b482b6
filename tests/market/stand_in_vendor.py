"""A vendor that makes its answers up, and what it was asked."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError
from tests.market_rows import minute_stamps

NOW = datetime(2024, 6, 12, 16, tzinfo=UTC)  # noon in New York


class StandIn:
    """A vendor whose prices are 500 times `factor`, and whose sessions have `minutes` (by date, else all) bars."""

    name = "standin"
    limits = "made up"
    stretch_days = 31
    request_seconds = 0.0

    def __init__(self) -> None:
        self.factor = 1.0
        self.minutes: dict[str, int] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.after_request = lambda: None

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        self.asked.append((symbol, str(first), str(last)))
        stamps = minute_stamps(str(first), str(last))
        minute = (stamps.hour * 60 + stamps.minute - 570).to_numpy()
        stamps = stamps[minute < np.array([self.minutes.get(str(stamp.date()), 390) for stamp in stamps])]
        close = self.factor * (500.0 + np.asarray(stamps.minute) % 7)
        columns = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": 10.0}
        bars = pd.DataFrame(columns, index=stamps)
        self.after_request()
        return bars


class Unreachable(StandIn):
    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        raise DataError("standin: the service fails")


def overnight_ratio(frame: pd.DataFrame) -> float:
    """The largest move from one bar to the next, as a ratio above 1."""
    steps = np.abs(np.diff(np.log(frame["close"].to_numpy())))
    return float(np.exp(steps.max()))
