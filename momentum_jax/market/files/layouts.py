"""Named layouts: how well-known programs and services write a file of bars (imports neither jax nor pandas).

A layout is a few declarations of `FileFormat`. It is never applied unless it is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one program or service writes its files.

    Attributes:
        source: what writes such files, and what to know about them.
        declarations: fields of `FileFormat` that differ from its defaults.
        example: first lines of such a file: bars of SPY on 2024-05-14 from 09:30 New York time.
    """

    source: str
    declarations: Mapping[str, Any] = field(default_factory=dict)
    example: tuple[str, ...]


_DATE_TIME = ("date", "time")
_PRICES = ("open", "high", "low", "close")

LAYOUTS: dict[str, Layout] = {
    "metatrader": Layout(
        source="MetaTrader 5, Symbols, Export bars: tabs, tick volume, the clock of most brokers (New York + 7 hours)",
        declarations={
            "delimiter": "tab",
            "columns": (*_DATE_TIME, *_PRICES, "volume", "traded_volume", "spread"),
            "time_columns": _DATE_TIME,
            "time_format": "%Y.%m.%d %H:%M:%S",
            "hours_ahead": 7.0,
        },
        example=(
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
            "2024.05.14\t16:30:00\t521.11\t521.35\t521.04\t521.20\t812\t0\t5",
            "2024.05.14\t16:31:00\t521.20\t521.28\t521.10\t521.15\t640\t0\t5",
        ),
    ),
    "metatrader4": Layout(
        source="MetaTrader 4, History Center, Export: no header, the clock of most brokers (New York + 7 hours)",
        declarations={
            "header": False,
            "columns": (*_DATE_TIME, *_PRICES, "volume"),
            "time_columns": _DATE_TIME,
            "time_format": "%Y.%m.%d %H:%M",
            "hours_ahead": 7.0,
        },
        example=(
            "2024.05.14,16:30,521.11,521.35,521.04,521.20,812",
            "2024.05.14,16:31,521.20,521.28,521.10,521.15,640",
        ),
    ),
    "kibot": Layout(
        source="Kibot, aggregate bars: no header, New York time",
        declarations={
            "header": False,
            "columns": (*_DATE_TIME, *_PRICES, "volume"),
            "time_columns": _DATE_TIME,
            "time_format": "%m/%d/%Y %H:%M",
        },
        example=(
            "05/14/2024,09:30,521.11,521.35,521.04,521.20,81200",
            "05/14/2024,09:31,521.20,521.28,521.10,521.15,64000",
        ),
    ),
    "firstrate": Layout(
        source="FirstRate Data: no header, New York time",
        declarations={"header": False},
        example=(
            "2024-05-14 09:30:00,521.11,521.35,521.04,521.20,81200",
            "2024-05-14 09:31:00,521.20,521.28,521.10,521.15,64000",
        ),
    ),
    "stooq": Layout(
        source="Stooq, ASCII bulk files; SPY is SPY.US there; add --file_time_zone where the report says so",
        declarations={
            "columns": ("ticker", "period", *_DATE_TIME, *_PRICES, "volume", "open_interest"),
            "time_columns": _DATE_TIME,
            "time_format": "%Y%m%d %H%M%S",
        },
        example=(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
            "SPY.US,1,20240514,093000,521.11,521.35,521.04,521.20,81200,0",
            "SPY.US,1,20240514,093100,521.20,521.28,521.10,521.15,64000,0",
        ),
    ),
    "yfinance": Layout(
        source="yfinance, download(...).to_csv() or .to_parquet(): three header lines, one or several tickers",
        declarations={"header_lines": 3},
        example=(
            "Price,Close,High,Low,Open,Volume",
            "Ticker,SPY,SPY,SPY,SPY,SPY",
            "Datetime,,,,,",
            "2024-05-14 13:30:00+00:00,521.20,521.35,521.04,521.11,81200",
            "2024-05-14 13:31:00+00:00,521.15,521.28,521.10,521.20,64000",
        ),
    ),
    "alpaca": Layout(
        source="alpaca-py, bars.df.to_csv() or .to_parquet(): symbol and timestamp with offset",
        declarations={"symbol_column": "symbol", "time_columns": ("timestamp",)},
        example=(
            "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
            "SPY,2024-05-14 13:30:00+00:00,521.11,521.35,521.04,521.20,81200,900,521.19",
            "SPY,2024-05-14 13:31:00+00:00,521.20,521.28,521.10,521.15,64000,700,521.18",
        ),
    ),
    "databento": Layout(
        source="Databento, ohlcv-1m of the Python client (to_csv, to_parquet) or with pretty times and prices",
        declarations={"symbol_column": "symbol", "time_columns": ("ts_event",)},
        example=(
            "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
            "2024-05-14T13:30:00.000000000Z,33,2,15144,521.11,521.35,521.04,521.20,81200,SPY",
            "2024-05-14T13:31:00.000000000Z,33,2,15144,521.20,521.28,521.10,521.15,64000,SPY",
        ),
    ),
    "databento_raw": Layout(
        source="Databento, ohlcv-1m as batch CSV: nanoseconds, prices in units of 1e-9",
        declarations={
            "symbol_column": "symbol",
            "time_columns": ("ts_event",),
            "time_format": "unix_ns",
            "price_scale": 1e9,
        },
        example=(
            "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
            "1715693400000000000,33,2,15144,521110000000,521350000000,521040000000,521200000000,81200,SPY",
            "1715693460000000000,33,2,15144,521200000000,521280000000,521100000000,521150000000,64000,SPY",
        ),
    ),
    "tradingview": Layout(
        source="TradingView, Export chart data with UNIX time; an index has no Volume: add --nofile_volume",
        declarations={"time_columns": ("time",), "time_format": "unix_s"},
        example=(
            "time,open,high,low,close,Plot,Plot,Volume",
            "1715693400,521.11,521.35,521.04,521.20,1,2,81200",
            "1715693460,521.20,521.28,521.10,521.15,1,2,64000",
        ),
    ),
    "ninjatrader": Layout(
        source="NinjaTrader, Export: semicolons, no header, stamped at a bar's end; add --file_time_zone=UTC if it is",
        declarations={"delimiter": ";", "header": False, "time_format": "%Y%m%d %H%M%S", "bar_stamp": "end"},
        example=(
            "20240514 093100;521.11;521.35;521.04;521.20;81200",
            "20240514 093200;521.20;521.28;521.10;521.15;64000",
        ),
    ),
    "histdata": Layout(
        source="HistData.com, generic ASCII minute bars: Eastern Standard Time all year, volume is always 0",
        declarations={"delimiter": ";", "header": False, "time_format": "%Y%m%d %H%M%S", "time_zone": "Etc/GMT+5"},
        example=(
            "20240514 083000;521.11;521.35;521.04;521.20;0",
            "20240514 083100;521.20;521.28;521.10;521.15;0",
        ),
    ),
    "interactive_brokers": Layout(
        source="Interactive Brokers, historical bars as the TWS API writes them: the zone's name follows the time",
        declarations={"time_columns": ("date",), "time_format": "%Y%m%d %H:%M:%S %Z"},
        example=(
            "date,open,high,low,close,volume,average,barCount",
            "20240514 09:30:00 US/Eastern,521.11,521.35,521.04,521.20,81200,521.19,900",
            "20240514 09:31:00 US/Eastern,521.20,521.28,521.10,521.15,64000,521.18,700",
        ),
    ),
    "flat_files": Layout(
        source="Massive (Polygon) flat files: a file a day of all tickers, in folders of any depth",
        declarations={"symbol_column": "ticker", "time_columns": ("window_start",), "time_format": "unix_ns"},
        example=(
            "ticker,volume,open,close,high,low,window_start,transactions",
            "SPY,81200,521.11,521.20,521.35,521.04,1715693400000000000,900",
            "SPY,64000,521.20,521.15,521.28,521.10,1715693460000000000,700",
        ),
    ),
    "klines": Layout(
        source="Binance klines: no header, 12 columns, milliseconds; since 2025 add --file_time_format=unix_us",
        declarations={
            "header": False,
            "columns": (
                "open_time",
                *_PRICES,
                "volume",
                "close_time",
                "quote_volume",
                "trades",
                "taker_volume",
                "taker_quote_volume",
                "ignore",
            ),
            "time_columns": ("open_time",),
            "time_format": "unix_ms",
        },
        example=(
            "1715693400000,521.11,521.35,521.04,521.20,81200,1715693459999,1.0,900,1.0,1.0,0",
            "1715693460000,521.20,521.28,521.10,521.15,64000,1715693519999,1.0,700,1.0,1.0,0",
        ),
    ),
    "dukascopy": Layout(
        source="Dukascopy, historical data export: day first, milliseconds, UTC",
        declarations={
            "time_columns": ("gmt time",),
            "time_format": "%d.%m.%Y %H:%M:%S.%f",
            "time_zone": "UTC",
        },
        example=(
            "Gmt time,Open,High,Low,Close,Volume",
            "14.05.2024 13:30:00.000,521.11,521.35,521.04,521.20,812",
            "14.05.2024 13:31:00.000,521.20,521.28,521.10,521.15,640",
        ),
    ),
    "alpha_vantage": Layout(
        source="Alpha Vantage, TIME_SERIES_INTRADAY as CSV: New York time, newest first",
        declarations={"time_columns": ("timestamp",), "row_order": "descending"},
        example=(
            "timestamp,open,high,low,close,volume",
            "2024-05-14 09:31:00,521.20,521.28,521.10,521.15,64000",
            "2024-05-14 09:30:00,521.11,521.35,521.04,521.20,81200",
        ),
    ),
}
