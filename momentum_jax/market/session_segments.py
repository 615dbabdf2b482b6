"""Segments cut into the sessions that they are glued of: each one session of one symbol, a segment by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from momentum_jax.market.features import WINDOW
from momentum_jax.market.segment import Segment

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


def cut_into_sessions(segments: Sequence[Segment]) -> list[Session]:
    """Every session of the segments, by date, and of one date in the order in which symbols appear."""
    symbols = list(dict.fromkeys(segment.symbol for segment in segments))
    found = [session for segment in segments for session in _sessions_of(segment)]
    return sorted(found, key=lambda session: (session.date, symbols.index(session.symbol)))


def long_enough(session: Session) -> bool:
    """Whether anything can be bought and sold in the session."""
    return session.num_bars >= FEWEST_BARS


def _sessions_of(segment: Segment) -> list[Session]:
    days = segment.bar_time_ns.astype("datetime64[ns]").astype("datetime64[D]")
    dates, firsts = np.unique(days, return_index=True)
    ends = [*firsts[1:].tolist(), len(days)]
    return [
        Session(symbol=segment.symbol, date=day, regime=segment.regime, segment=_part(segment, slice(first, end)))
        for day, first, end in zip(dates.tolist(), firsts.tolist(), ends, strict=True)
    ]


def _part(segment: Segment, rows: slice) -> Segment:
    return dataclasses.replace(segment, bars=segment.bars[rows], bar_time_ns=segment.bar_time_ns[rows], filled_bars=0)
