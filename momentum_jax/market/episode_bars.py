"""What an episode is played on: a whole segment, as in the reference, or one session of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from momentum_jax.market.errors import DataError
from momentum_jax.market.features import WINDOW
from momentum_jax.market.segment import Segment
from momentum_jax.market.session_clock import session_rows

SHORTEST_EPISODE = WINDOW + 2  # bars


class Episode(NamedTuple):
    """Bars of one symbol that an episode runs through."""

    segment: Segment  # which they are from
    bars: np.ndarray  # [N, 5] float64
    bar_time_ns: np.ndarray  # [N] int64

    @property
    def symbol(self) -> str:
        return self.segment.symbol

    @property
    def regime(self) -> str:
        return self.segment.regime

    @property
    def day(self) -> str:
        """Exchange date of the first bar, YYYY-MM-DD."""
        return str(np.datetime64(int(self.bar_time_ns[0]), "ns").astype("datetime64[D]"))


def episodes_of(segments: Sequence[Segment], session_episodes: bool = False) -> list[Episode]:
    """The episodes that can be drawn, in the order of `Market.starts`.

    Args:
      segments: of the data.
      session_episodes: one episode for each session of at least 22 bars, else one for each segment.

    Raises:
      DataError: no session is long enough.
    """
    if not session_episodes:
        return [Episode(segment, segment.bars, segment.bar_time_ns) for segment in segments]
    sessions = [session for segment in segments for session in _sessions(segment)]
    found = [session for session in sessions if len(session.bars) >= SHORTEST_EPISODE]
    if not found:
        longest = max((len(session.bars) for session in sessions), default=0)
        raise DataError(
            f"session_episodes: no session is long enough: the longest has {longest} bars, an episode needs "
            f"{SHORTEST_EPISODE}: give whole sessions, or set session_episodes=false"
        )
    return found


def _sessions(segment: Segment) -> Iterator[Episode]:
    for rows in session_rows(segment.bar_time_ns):
        yield Episode(segment, segment.bars[rows], segment.bar_time_ns[rows])
