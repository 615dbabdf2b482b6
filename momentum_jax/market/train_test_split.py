"""Training, validation and test parts of the dates, with bars purged where they meet."""

import numpy as np
import pandas as pd

from momentum_jax.market.bars import session_dates
from momentum_jax.market.errors import DataError
from momentum_jax.market.features import WINDOW
from momentum_jax.market.market_options import MarketConfig

PURGED_BARS = WINDOW  # the last bars before a boundary, which a window after it could otherwise hold


def take_part(bars: pd.DataFrame, config: MarketConfig) -> pd.DataFrame:
    """The bars of `config.data_part`: train up to train_end, validation up to validation_end, test after it.

    The last 20 bars before each boundary belong to no part: no window of a later part shares a bar with an earlier
    one, however segments are glued.

    Raises:
        DataError: where the part holds no bars.
    """
    if config.data_part == "all":
        return bars
    dates = session_dates(bars.index)
    ends = [pd.Timestamp(date) for date in (config.train_end, config.validation_end) if date is not None]
    keep = np.ones(len(bars), dtype=bool)
    for end in ends:
        boundary = int(np.searchsorted(dates.asi8, end.value, side="right"))
        keep[max(0, boundary - PURGED_BARS) : boundary] = boundary == len(bars)
    train_end = pd.Timestamp(config.train_end) if config.train_end else dates[0] - pd.Timedelta(days=1)
    chosen = {"train": dates <= train_end, "validation": (dates > train_end), "test": dates > ends[-1]}[
        config.data_part
    ]
    if config.data_part == "validation":
        chosen &= dates <= ends[-1]
    part = bars[keep & chosen]
    if part.empty:
        raise DataError(
            f"{config.where}: no bars in data_part {config.data_part}; bars cover {dates[0].date()} to "
            f"{dates[-1].date()}, train_end is {config.train_end}, validation_end {config.validation_end}: move them"
        )
    return part


def describe_split(config: MarketConfig) -> tuple[tuple[str, str], ...]:
    """The split as pairs of plain values, which the fingerprint covers; empty where the data are not divided."""
    if config.data_part == "all":
        return ()
    return (
        ("part", config.data_part),
        ("train_end", str(config.train_end)),
        ("validation_end", str(config.validation_end)),
        ("purged_bars", str(PURGED_BARS)),
    )
