"""Which session a bar belongs to, and how long it goes on."""

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_CLOSE_MINUTE
from momentum_jax.market.sessions import close_minutes

_DAY_NS, _MINUTE_NS = 86_400 * 10**9, 60 * 10**9


def minutes_to_close(bar_time_ns: np.ndarray) -> np.ndarray:
    """Minutes from the start of each bar [N] to its session's close, half days included, [N] int64.

    A date without a session of the New York Stock Exchange counts as a whole day.
    """
    days = pd.DatetimeIndex((bar_time_ns // _DAY_NS * _DAY_NS).astype("datetime64[ns]"))
    closes = close_minutes(days.min(), days.max()).reindex(days).fillna(SESSION_CLOSE_MINUTE)
    return closes.to_numpy(np.int64) - bar_time_ns % _DAY_NS // _MINUTE_NS


def session_rows(bar_time_ns: np.ndarray) -> list[slice]:
    """The rows of each session of ascending bars [N], one exchange date each."""
    days = bar_time_ns // _DAY_NS
    starts = np.flatnonzero(np.diff(days, prepend=days[:1] - 1)).tolist()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(days)], strict=True)]
