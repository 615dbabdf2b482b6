"""Lines of the plainest bars, and what a reader makes of them."""

from __future__ import annotations

import pandas as pd

from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import load_bars

MINUTES = 12
STAMPS = pd.date_range("2024-05-14 09:30", periods=MINUTES, freq="min")


def rows(stamp=str, volume="1000", mark="{}") -> list[str]:
    """Lines of bars without a header; `stamp` writes a New York clock time."""
    prices = ",".join(mark.format(text) for text in ("100.00", "100.50", "99.50", "100.25"))
    return [f"{stamp(moment)},{prices},{volume}" for moment in STAMPS]


OTHER = [line.replace("100.", "400.").replace("99.", "399.") for line in rows()]  # bars of another symbol
HEADER = "datetime,open,high,low,close,volume"


def first_of(path, **declarations) -> str:
    bars = load_bars(path, "SPY", form=FileFormat(**declarations))
    assert len(bars) == MINUTES and bars.iloc[0].to_list() == [100.0, 100.5, 99.5, 100.25, 1000.0]
    return str(bars.index[0])


OPEN = "2024-05-14 09:30:00-04:00"
