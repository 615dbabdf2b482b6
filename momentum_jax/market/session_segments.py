"""Segments cut into the sessions that they are glued of: each one session of one symbol, a segment by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from momentum_jax.market.errors import DataError
from momentum_jax.market.features import WINDOW
from momentum_jax.market.segment import Segment
from momentum_jax.market.session_clock import session_rows

FEWEST_BARS = WINDOW + 3
"""Bars of the shortest session in which a position can be opened and sold: one window, a purchase, a sale."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Session:
    """One session of one symbol.

    Attributes:
        symbol: ticker.
        date: exchange date.
        regime: of the segment that it was cut from.
        segment: its bars alone, with the same VIX series.
    """

    symbol: str
    date: date
    regime: str
    segment: Segment

    @property
    def num_bars(self) -> int:
        return len(self.segment.bars)

    @property
    def label(self) -> str:
        """Date and symbol, such as ``2024-02-12 SPY``: what tells its random draws apart."""
        return f"{self.date} {self.symbol}"


def cut_into_sessions(segments: Sequence[Segment]) -> list[Session]:
    """Every session of the segments, by date, and of one date in the order in which symbols appear."""
    symbols = list(dict.fromkeys(segment.symbol for segment in segments))
    found = [session for segment in segments for session in _sessions_of(segment)]
    return sorted(found, key=lambda session: (session.date, symbols.index(session.symbol)))


def usable_sessions(segments: Sequence[Segment], where: str, part: str) -> list[Session]:
    """The sessions in which something can be bought and sold, in the order of `cut_into_sessions`.

    Raises:
      DataError: there is none; `where` the bars lie and which `part` of the data they are is for its message.
    """
    sessions = cut_into_sessions(segments)
    usable = [session for session in sessions if long_enough(session)]
    if not usable:
        longest = max((session.num_bars for session in sessions), default=0)
        raise DataError(
            f"{where}: none of {len(sessions)} sessions of data_part {part} has {FEWEST_BARS} bars "
            f"(the longest has {longest}): give whole sessions of one-minute bars"
        )
    return usable


def long_enough(session: Session) -> bool:
    """Whether anything can be bought and sold in the session."""
    return session.num_bars >= FEWEST_BARS


def _sessions_of(segment: Segment) -> list[Session]:
    parts = [_part(segment, rows) for rows in session_rows(segment.bar_time_ns)]
    days = [part.bar_time_ns[0].astype("datetime64[ns]").astype("datetime64[D]").item() for part in parts]
    return [
        Session(symbol=segment.symbol, date=day, regime=segment.regime, segment=part)
        for day, part in zip(days, parts, strict=True)
    ]


def _part(segment: Segment, rows: slice) -> Segment:
    return dataclasses.replace(segment, bars=segment.bars[rows], bar_time_ns=segment.bar_time_ns[rows], filled_bars=0)
