"""Stamps of sessions, for made-up answers of data vendors."""

from __future__ import annotations

import pandas as pd

from momentum_jax.market.sessions import close_minutes


def minute_stamps(first: str, last: str, minutes: int = 3) -> pd.DatetimeIndex:
    """The first minutes of each session from `first` to `last`, in exchange time."""
    days = close_minutes(pd.Timestamp(first), pd.Timestamp(last)).index
    stamps = [stamp for day in days for stamp in pd.date_range(f"{day.date()} 09:30", periods=minutes, freq="min")]
    return pd.DatetimeIndex(stamps, name="datetime").tz_localize("America/New_York").as_unit("ns")
