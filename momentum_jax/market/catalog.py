"""Which source a configuration asks for."""

from datetime import timedelta

import pandas as pd

from momentum_jax.market.bars import session_dates
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.file_contents import expand_home, is_file
from momentum_jax.market.files.readers import read_table
from momentum_jax.market.market_options import FILE_SOURCES, VENDORS, MarketConfig, parse_date
from momentum_jax.market.sessions import cut_sessions, previous_session
from momentum_jax.market.sources import BarSource, FileSource
from momentum_jax.market.synthetic import SyntheticSource
from momentum_jax.market.vix.daily_vix import load_vix
from momentum_jax.market.vix.vix_range import EXPECTED_VIX, outside_vix_range

_BEFORE = timedelta(days=7)  # holds a session; a file has these days at no cost


def open_source(config: MarketConfig, refresh: bool = True) -> BarSource:
    """The source of bars; `refresh` as for `load_dataset`."""
    if config.data_source == "synthetic":
        return SyntheticSource(config.synthetic_seed, config.synthetic_scenario)
    if config.data_source in FILE_SOURCES:
        assert config.data_path is not None  # MarketConfig refuses anything else
        return FileSource(config.data_path, config.file_format)
    # Vendors are optional extras: imported only when asked for.
    from momentum_jax.market.vendors.vendor_source import open_vendor

    return open_vendor(config, refresh)


def names_no_symbol(config: MarketConfig) -> bool:
    """Whether the bars are those of one file that does not say whose they are."""
    if config.data_source not in FILE_SOURCES or not is_file(expand_home(str(config.data_path))):
        return False
    try:
        return read_table(str(config.data_path), config.file_format, max_rows=1).names_no_symbol
    except DataError:
        return True  # what is wrong with the file is said when it is read


def open_vix(config: MarketConfig, source: BarSource) -> pd.Series:
    """The daily VIX that goes with the source.

    Raises:
        DataError: without a VIX file for bars that bring none.
    """
    if isinstance(source, SyntheticSource):
        return source.vix
    if config.vix_symbol is not None:
        return _vix_from_bars(source, config.vix_symbol, config)
    if config.vix_path is None:
        raise DataError(
            f"data_source is {config.data_source!r} but vix_path is missing: give vix_path, a file of daily VIX "
            f"closes, or vix_symbol, if the source has bars of it"
        )
    return load_vix(config.vix_path, config.vix_file_format)


def _vix_from_bars(source: BarSource, symbol: str, config: MarketConfig) -> pd.Series:
    """The close of each session's last bar."""
    bars = source.bars(symbol, _first_vix_date(config), config.end_date)
    bars = cut_sessions(bars, bar_minutes=config.file_format.bar_minutes).bars
    close = bars["close"].groupby(session_dates(bars.index)).last()
    wrong = close[outside_vix_range(close.to_numpy())]
    if close.empty or not wrong.empty:
        found = "no session" if close.empty else f"a close of {wrong.iloc[0]:g} on {str(wrong.index[0])[:10]}"
        raise DataError(
            f"{config.where}: vix_symbol {symbol!r} has {found}, but {EXPECTED_VIX}: that is no VIX; name its symbol, "
            f"or give vix_path"
        )
    return close.rename_axis("date").rename("vix")


def _first_vix_date(config: MarketConfig) -> str | None:
    """From where bars of the VIX are read: a vendor is asked for no day that the options do not call for."""
    start = parse_date("start_date", config.start_date)
    if start is None or config.data_source not in VENDORS:
        return None if start is None else str(start - _BEFORE)
    # With vix_timing=previous the first session sees the close before it.
    return str(previous_session(start) if config.vix_timing == "previous" else start)
