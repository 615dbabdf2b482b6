"""The segment that an episode is played on: the bars of one symbol in one volatility regime."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from momentum_jax.market.bars import BAR_COLUMNS


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """The bars of one symbol in one regime, its days glued in time order, and the VIX that goes with them.

    Attributes:
        symbol: ticker.
        regime: "calm", "normal", "storm" or "crash".
        bars: float64 [N, 5]: open, high, low, close (dollars or index points), volume (shares).
        bar_time_ns: int64 [N]: start of each bar, naive exchange time in ns since 1970; ascending.
        vix_date_ns: int64 [D]: naive exchange dates of the whole VIX series the run sees; ascending.
        vix_close: float64 [D]: VIX closes in points.
        vix_timing: "same_day" or "previous": which close a bar sees.
        filled_bars: how many bars were missing and filled.
        split: the dates that divide the data and the part taken; empty where they are not divided.

    The arrays are copied and read-only: the fingerprint stays true.
    """

    symbol: str
    regime: str
    bars: np.ndarray
    bar_time_ns: np.ndarray
    vix_date_ns: np.ndarray
    vix_close: np.ndarray
    vix_timing: str = "same_day"
    filled_bars: int = 0
    split: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        dtypes = {"bars": "<f8", "bar_time_ns": "<i8", "vix_date_ns": "<i8", "vix_close": "<f8"}
        for name, dtype in dtypes.items():
            array = np.array(getattr(self, name), dtype=dtype, order="C")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.bars.shape != (len(self.bar_time_ns), len(BAR_COLUMNS)):
            raise ValueError(f"bars {self.bars.shape} do not fit {len(self.bar_time_ns)} stamps of 5 columns")
        if self.vix_close.shape != self.vix_date_ns.shape:
            raise ValueError(f"{self.vix_close.shape} VIX closes do not fit {self.vix_date_ns.shape} dates")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over the shapes and little-endian bytes of the four arrays, VIX timing and split."""
        digest = hashlib.sha256()
        for array in (self.bars, self.bar_time_ns, self.vix_date_ns, self.vix_close):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.tobytes())
        # What the arrays do not show. Left out where it is the reference's, so that its fingerprint stands.
        if self.vix_timing != "same_day" or self.split:
            digest.update(repr((self.vix_timing, self.split)).encode())
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Symbol, regime, bars, sessions, the first and last stamp (ISO, exchange time), filled bars and split."""
        stamps = self.bar_time_ns.astype("datetime64[ns]")
        facts: dict[str, Any] = {
            "symbol": self.symbol,
            "regime": self.regime,
            "bars": len(stamps),
            "sessions": len(np.unique(stamps.astype("datetime64[D]"))),
            "first": str(stamps[0].astype("datetime64[s]")),
            "last": str(stamps[-1].astype("datetime64[s]")),
        }
        if self.filled_bars:
            facts["filled_bars"] = self.filled_bars
        if self.split:
            facts["split"] = dict(self.split)
        return facts


def fingerprint(segments: Sequence[Segment]) -> str:
    """SHA-256, in hex, of one segment, or of several segments' fingerprints in order."""
    if len(segments) == 1:
        return segments[0].fingerprint
    return hashlib.sha256("".join(segment.fingerprint for segment in segments).encode()).hexdigest()


class OfRegime(Protocol):
    """A segment, or a session of one."""

    @property
    def regime(self) -> str: ...

    @property
    def bars(self) -> np.ndarray: ...


def regime_balance(segments: Sequence[OfRegime]) -> dict[str, dict[str, Any]]:
    """By regime: its segments, bars, and share of all bars."""
    total = sum(len(segment.bars) for segment in segments)
    balance: dict[str, dict[str, Any]] = {}
    for segment in segments:
        entry = balance.setdefault(segment.regime, {"segments": 0, "bars": 0, "share": 0.0})
        entry["segments"] += 1
        entry["bars"] += len(segment.bars)
    for entry in balance.values():
        entry["share"] = round(entry["bars"] / total, 4)
    return balance


def episode_weights(segments: Sequence[OfRegime], policy: str) -> np.ndarray:
    """Probability of each segment at the start of an episode, [S] float64.

    With "all" (and "first") segments are equally likely, so that time is spent on each in proportion to its
    length. With "balanced" every regime gets the same expected number of bars.
    """
    weights = np.ones(len(segments))
    if policy == "balanced":
        balance = regime_balance(segments)
        weights = np.array([1.0 / balance[segment.regime]["bars"] for segment in segments])
    return weights / weights.sum()
