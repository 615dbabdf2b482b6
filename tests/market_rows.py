"""Stamps of sessions, for made-up answers of data vendors."""

from __future__ import annotations

import pandas as pd

from momentum_jax.market.sessions import close_minutes


def minute_stamps(first: str, last: str, minutes: int = 390) -> pd.DatetimeIndex:
    """The first minutes of each session from `first` to `last`, early closes kept, in exchange time."""
    closes = close_minutes(pd.Timestamp(first), pd.Timestamp(last))
    stamps = [
        stamp
        for day, close in closes.items()
        for stamp in pd.date_range(f"{day.date()} 09:30", periods=min(minutes, close - 570), freq="min")
    ]
    return pd.DatetimeIndex(stamps, name="datetime").tz_localize("America/New_York").as_unit("ns")
