"""The segments that a run trains on, and the quality reports of what they were taken from."""

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, last_sessions, session_dates
from momentum_jax.market.catalog import open_source, open_vix
from momentum_jax.market.checks.clock import CLOCK
from momentum_jax.market.checks.clock_remedies import clock_remedy
from momentum_jax.market.checks.no_session import NO_SESSION, without_sessions
from momentum_jax.market.checks.quality_report import QualityReport
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.market_options import FILE_SOURCES, MarketConfig
from momentum_jax.market.prepare import Prepared, prepare, usable_bars, with_warnings
from momentum_jax.market.segment import Segment, fingerprint, regime_balance
from momentum_jax.market.sources import BarSource, FileSource
from momentum_jax.market.train_test_split import describe_split, take_part

REGIMES = ("calm", "normal", "storm", "crash")
REGIME_VIX_BOUNDS = (18.0, 25.0, 35.0)  # a day belongs to the first regime whose bound its VIX is below
MIN_SPLIT_BARS = 100

T = TypeVar("T")


class Dataset(NamedTuple):
    """What a run is given."""

    segments: list[Segment]
    reports: list[QualityReport]  # one a symbol

    def describe(self) -> dict[str, Any]:
        """Plain values for config.json: the segments, their fingerprint, balance, and what the reports found."""
        facts = self.segments[0].describe() | {"fingerprint": fingerprint(self.segments)}
        if len(self.segments) > 1:
            parts = [segment.describe() | {"fingerprint": segment.fingerprint} for segment in self.segments]
            facts = {"fingerprint": facts["fingerprint"], "segments": parts, "balance": regime_balance(self.segments)}
        return facts | {"quality": [report.summary() for report in self.reports]}


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

    Raises:
        DataError: see `load_dataset`.
    """
    return next(_stream(config))[0][0]


def load_dataset(config: MarketConfig, refresh: bool = True) -> Dataset:
    """All segments that `config.segments` asks for, with a quality report of each symbol.

    Bars are read symbol by symbol. Only regular sessions count. The VIX series ends on the last date of a
    symbol's bars, whatever their regime.

    Args:
        config: what to load.
        refresh: whether a vendor is asked again for sessions that are stored as incomplete.

    Raises:
        DataError: on bad files (see `load_bars` and `load_vix`), on dates without VIX, and where no regime
            has 100 bars.
    """
    dataset = Dataset([], [])
    for segments, report in _stream(config, refresh):
        dataset.segments.extend(segments)
        dataset.reports.append(report)
    return dataset


def inspect(config: MarketConfig) -> Iterator[QualityReport]:
    """The quality report of each symbol; without a VIX it is left out."""
    source = open_source(config)
    has_vix = config.data_source == "synthetic" or config.vix_path or config.vix_symbol
    vix, texts = _recorded(lambda: open_vix(config, source)) if has_vix else (None, [])
    for symbol in config.symbols:
        yield _prepared(source, vix, symbol, config, texts).report


def _stream(config: MarketConfig, refresh: bool = True) -> Iterator[tuple[list[Segment], QualityReport]]:
    bar_minutes = config.file_format.bar_minutes
    if bar_minutes != 1:
        raise DataError(
            f"file_bar_minutes is {bar_minutes}: rewards and indicators count one-minute bars, so training "
            f"takes those only; {bar_minutes}-minute files can be inspected"
        )
    source = open_source(config, refresh)
    vix, texts = _recorded(lambda: open_vix(config, source))
    for symbol in config.symbols[:1] if config.segments == "first" else config.symbols:
        prepared = _prepared(source, vix, symbol, config, texts)
        yield _segments(prepared, vix, symbol, config), prepared.report


def _recorded(read: Callable[[], T]) -> tuple[T, list[DataWarning]]:
    """What `read` returns, and its data warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        result = read()
    return result, [warning.message for warning in caught if isinstance(warning.message, DataWarning)]


def _prepared(
    source: BarSource, vix: pd.Series | None, symbol: str, config: MarketConfig, vix_read: list[DataWarning]
) -> Prepared:
    bars, read = _recorded(lambda: source.bars(symbol, config.start_date, config.end_date))
    if vix is not None and not vix.index.isin(session_dates(bars.index)).any():
        raise DataError(_no_vix(bars, vix, config))
    prepared = _with_remedy(prepare(bars, vix, symbol, config), bars, symbol, config)
    unlabelled = isinstance(source, FileSource) and source.taken_for is not None
    report = dataclasses.replace(prepared.report, unlabelled=unlabelled)
    return with_warnings(prepared._replace(report=report), [*vix_read, *read])


def _with_remedy(prepared: Prepared, bars: pd.DataFrame, symbol: str, config: MarketConfig) -> Prepared:
    """The same, where the clock of a file looks wrong, with the declaration that sets it right."""
    report = prepared.report
    wrong = [finding for finding in report.findings if finding.kind in (CLOCK, NO_SESSION)]
    if not wrong or config.data_source not in FILE_SOURCES or config.session_clock != "exchange":
        return prepared
    if wrong[0].kind == NO_SESSION and not without_sessions(bars).doubtful_clock:
        return prepared
    flag = clock_remedy(config, symbol, bars)
    text = f": declare {flag}" if flag else "; see file_time_zone, file_hours_ahead and file_bar_stamp"
    found = [f._replace(text=f.text + text) if f in wrong else f for f in report.findings]
    return prepared._replace(report=dataclasses.replace(report, findings=found))


def _segments(prepared: Prepared, vix: pd.Series, symbol: str, config: MarketConfig) -> list[Segment]:
    bars = take_part(last_sessions(usable_bars(prepared), config.intraday_days), config)
    vix_seen = vix[vix.index <= session_dates(bars.index)[-1]]
    splits = regime_splits(bars, vix_seen)
    if not splits:
        counts = ", ".join(f"{name} {len(split)}" for name, split in _all_splits(bars, vix).items())
        raise DataError(
            f"{config.where}: no regime of {symbol} has {MIN_SPLIT_BARS} regular-session bars ({counts}): "
            f"widen start_date … end_date or give more data"
        )
    chosen = list(splits.items())[: 1 if config.segments == "first" else None]
    return [_segment(split, vix_seen, symbol, regime, config) for regime, split in chosen]


def _segment(split: pd.DataFrame, vix: pd.Series, symbol: str, regime: str, config: MarketConfig) -> Segment:
    return Segment(
        symbol=symbol,
        regime=regime,
        bars=split.loc[:, list(BAR_COLUMNS)].to_numpy(),
        bar_time_ns=pd.DatetimeIndex(split.index).tz_localize(None).asi8,
        vix_date_ns=pd.DatetimeIndex(vix.index).asi8,
        vix_close=vix.to_numpy(),
        vix_timing=config.vix_timing,
        filled_bars=int(split["filled"].sum()) if "filled" in split.columns else 0,
        split=describe_split(config),
    )


def _no_vix(bars: pd.DataFrame, vix: pd.Series, config: MarketConfig) -> str:
    dates = session_dates(bars.index)
    return (
        f"{config.vix_path or config.vix_symbol}: no VIX for the dates of {config.where}: bars cover "
        f"{dates[0].date()} to {dates[-1].date()}, VIX {vix.index[0].date()} to {vix.index[-1].date()}: "
        f"give a VIX file of the same dates"
    )
