"""The segment that a run trains on: the bars of one symbol in one volatility regime."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, last_sessions, regular_session, session_dates
from momentum_jax.market.errors import DataError
from momentum_jax.market.options import MarketConfig
from momentum_jax.market.sources import BarSource, FileSource, load_vix
from momentum_jax.market.synthetic import SyntheticSource

REGIMES = ("calm", "normal", "storm", "crash")
REGIME_VIX_BOUNDS = (18.0, 25.0, 35.0)  # a day belongs to the first regime whose bound its VIX is below
MIN_SPLIT_BARS = 100


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

    The arrays are copied and read-only: the fingerprint stays true.
    """

    symbol: str
    regime: str
    bars: np.ndarray
    bar_time_ns: np.ndarray
    vix_date_ns: np.ndarray
    vix_close: np.ndarray

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
        """SHA-256, in hex, over the shapes and little-endian bytes of the four arrays."""
        digest = hashlib.sha256()
        for array in (self.bars, self.bar_time_ns, self.vix_date_ns, self.vix_close):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Symbol, regime, bars, sessions, and the first and last stamp (ISO, exchange time)."""
        stamps = self.bar_time_ns.astype("datetime64[ns]")
        return {
            "symbol": self.symbol,
            "regime": self.regime,
            "bars": len(stamps),
            "sessions": len(np.unique(stamps.astype("datetime64[D]"))),
            "first": str(stamps[0].astype("datetime64[s]")),
            "last": str(stamps[-1].astype("datetime64[s]")),
        }


def regime_splits(bars_frame: pd.DataFrame, vix: pd.Series) -> dict[str, pd.DataFrame]:
    """Splits one symbol's bars by the VIX close of their own day.

    Calm is below 18, normal below 25, storm below 35, crash the rest. Days without a VIX close are
    dropped, and so are splits of under 100 bars.

    Args:
        bars_frame: a bar frame (see `momentum_jax.market.bars`).
        vix: VIX closes by naive exchange date, as `load_vix` returns them.

    Returns:
        Bar frames by regime, calm first, the days of each in time order.
    """
    splits = _all_splits(bars_frame, vix)
    return {regime: bars for regime, bars in splits.items() if len(bars) >= MIN_SPLIT_BARS}


def _all_splits(bars_frame: pd.DataFrame, vix: pd.Series) -> dict[str, pd.DataFrame]:
    close = vix.reindex(session_dates(bars_frame.index)).to_numpy(dtype="float64")
    # NaN would sort behind every bound and pass for a crash.
    rank = np.where(np.isnan(close), -1, np.searchsorted(REGIME_VIX_BOUNDS, close, side="right"))
    return {regime: bars_frame[rank == place] for place, regime in enumerate(REGIMES)}


def load_segment(config: MarketConfig) -> Segment:
    """The segment the reference trained on: the first regime, calm first, of the first symbol.

    Only regular sessions count. The VIX series ends on the last date of the bars, whatever their regime.

    Raises:
        DataError: on bad files (see `load_bars` and `load_vix`), on dates without VIX, and where no regime
            has 100 bars.
    """
    symbol = config.symbols[0]
    where = config.data_path or "synthetic market"
    source, vix = _open_source(config)
    bars = regular_session(source.bars(symbol, config.start_date, config.end_date))
    if bars.empty:
        raise DataError(
            f"{where}: no bar of {symbol} starts between 09:30 and 16:00 New York time: "
            f"check the time zone of the stamps"
        )
    bars = last_sessions(bars, config.intraday_days)
    vix_seen = vix[vix.index <= session_dates(bars.index)[-1]]
    splits = regime_splits(bars, vix_seen)
    if not splits:
        raise DataError(_why_no_split(bars, vix, where, config))
    regime, split = next(iter(splits.items()))
    return Segment(
        symbol=symbol,
        regime=regime,
        bars=split.loc[:, list(BAR_COLUMNS)].to_numpy(),
        bar_time_ns=pd.DatetimeIndex(split.index).tz_localize(None).asi8,
        vix_date_ns=pd.DatetimeIndex(vix_seen.index).asi8,
        vix_close=vix_seen.to_numpy(),
    )


def _why_no_split(bars: pd.DataFrame, vix: pd.Series, where: str, config: MarketConfig) -> str:
    dates = session_dates(bars.index)
    if not vix.index.isin(dates).any():
        return (
            f"{config.vix_path}: no VIX for the dates of {where}: bars cover {dates[0].date()} to "
            f"{dates[-1].date()}, VIX {vix.index[0].date()} to {vix.index[-1].date()}: "
            f"give a VIX file of the same dates"
        )
    counts = ", ".join(f"{name} {len(split)}" for name, split in _all_splits(bars, vix).items())
    return (
        f"{where}: no regime of {config.symbols[0]} has {MIN_SPLIT_BARS} regular-session bars ({counts}): "
        f"widen start_date … end_date or give more data"
    )


def _open_source(config: MarketConfig) -> tuple[BarSource, pd.Series]:
    if config.data_source == "synthetic":
        market = SyntheticSource(config.synthetic_seed)
        return market, market.vix
    assert config.data_path is not None and config.vix_path is not None  # MarketConfig refuses anything else
    return FileSource(config.data_path, config.data_source), load_vix(config.vix_path)
