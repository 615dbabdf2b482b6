"""Made-up markets, small enough for tests."""

from __future__ import annotations

import numpy as np

from momentum_jax.market.dataset import Segment


def make_segment(num_bars: int = 300, seed: int = 0) -> Segment:
    """Made-up bars of one calm session after another: a random walk on a cent grid."""
    rng = np.random.default_rng(seed)
    close = np.round(400.0 * np.exp(np.cumsum(rng.normal(0, 4e-4, num_bars))), 2)
    opens = np.concatenate([close[:1], close[:-1]])
    wick = np.round(rng.exponential(0.05, (2, num_bars)), 2)
    high, low = np.maximum(opens, close) + wick[0], np.minimum(opens, close) - wick[1]
    bars = np.stack([opens, high, low, close, np.round(rng.lognormal(9, 0.5, num_bars))], axis=1)
    minute, day = 60 * 10**9, 86_400 * 10**9
    start = 19_723 * day + (9 * 60 + 30) * minute
    time = start + (np.arange(num_bars) // 390) * day + (np.arange(num_bars) % 390) * minute
    dates = np.unique(time // day) * day
    return Segment(
        symbol="SPY",
        regime="calm",
        bars=bars,
        bar_time_ns=time,
        vix_date_ns=dates,
        vix_close=np.linspace(13.0, 16.0, dates.size),
    )
