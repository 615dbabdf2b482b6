"""Where the bars come from: the options of the market layer (imports neither jax nor pandas)."""

from __future__ import annotations  # flags are told apart by the text of a field's type

import dataclasses
import itertools
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from momentum_jax.field_checks import check_fields, convert_fields
from momentum_jax.fields import ConfigError, static
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import BAR_STAMPS, CSV_ONLY, ROW_ORDERS, FileFormat
from momentum_jax.market.files.layouts import LAYOUTS
from momentum_jax.market.vendors.symbols import checked_symbol, vendor_symbol
from momentum_jax.processes.paths import user_path

FILE_SOURCES = ("csv", "parquet")
VENDORS = ("massive", "alpaca", "yfinance")
DATA_SOURCES = ("synthetic", *FILE_SOURCES, *VENDORS)
SCENARIOS = ("mixed", "calm", "trending", "choppy", "crash")
CLOCKS = ("exchange", "naive_utc")
MISSING_MINUTES = ("keep", "fill", "drop")
VIX_TIMINGS = ("same_day", "previous")
SEGMENTS = ("first", "all", "balanced")
PARTS = ("all", "train", "validation", "test")
EXCLUDABLE = ("gap", "flat_run", "wick", "jump", "zero_volume", "padded_half_day")
DATES = ("start_date", "train_end", "validation_end", "end_date")  # in the order that they have to be in
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CSV_ONLY = tuple(f"file_{name}" for name in CSV_ONLY)
_VIX_FILE = (
    "vix_layout",
    "vix_delimiter",
    "vix_decimal",
    "vix_encoding",
    "vix_header",
    "vix_columns",
    "vix_time_format",
)


@dataclass(frozen=True, kw_only=True)
class MarketConfig:
    """Which market a run is trained on; each field's help says what it does.

    Raises:
        DataError: on an option that has no meaning, or that the chosen source would not read.
    """

    data_source: str = static("synthetic", "where bars come from", choices=DATA_SOURCES)
    data_path: str | None = static(None, "file of bars, or folder with a file or folder per symbol; for csv, parquet")
    vix_path: str | None = static(None, "file of daily VIX closes (date and close columns); for all but synthetic")
    vix_symbol: str | None = static(
        None, "symbol of the same source whose last bar of each session gives the daily VIX, in place of vix_path"
    )
    start_date: str | None = static(None, "first exchange date, inclusive, YYYY-MM-DD")
    end_date: str | None = static(None, "last exchange date, inclusive, YYYY-MM-DD")
    symbols: tuple[str, ...] = static(("SPY", "QQQ", "SPX"), "symbols; segments=first uses the first one")
    intraday_days: int | None = static(None, "keep only this many of the last sessions", minimum=1)
    synthetic_seed: int = static(0, "key of the synthetic market", minimum=0)
    synthetic_scenario: str = static("mixed", "kind of days in the synthetic market", choices=SCENARIOS)
    # Files.
    file_layout: str | None = static(
        None, "how a known program writes its files; other declarations add to it", choices=tuple(LAYOUTS)
    )
    file_delimiter: str | None = static(None, "what separates the cells of a CSV; tab for a tab [,]")
    file_decimal: str | None = static(None, "decimal mark of a CSV's numbers [.]")
    file_thousands: str | None = static(None, "what groups the digits of a CSV's numbers [nothing]")
    file_encoding: str | None = static(None, "text encoding of a CSV, e.g. cp1252 [utf-8, or utf-16 by its mark]")
    file_skip_lines: int | None = static(None, "lines of a CSV before its header or first row [0]", minimum=0)
    file_header: bool | None = static(None, "a line of the CSV names its columns [true]")
    file_header_lines: int | None = static(None, "lines that the header of a CSV takes [1]", minimum=1, maximum=9)
    file_columns: tuple[str, ...] = static((), "names of the columns in the file's order, replacing a header's")
    file_time_columns: tuple[str, ...] = static(
        (), "column of the stamps, or those of date and time [datetime, timestamp, date or time]"
    )
    file_time_format: str | None = static(
        None, "iso, unix_s, unix_ms, unix_us, unix_ns, day_ms or a strptime pattern [iso]"
    )
    file_time_zone: str | None = static(
        None, "zone of stamps without an offset, e.g. UTC, America/Chicago [America/New_York]"
    )
    file_hours_ahead: float | None = static(
        None, "hours by which the stamps' clock runs ahead of New York's all year, e.g. 7 for most brokers"
    )
    file_bar_stamp: str | None = static(None, "which end of its bar a stamp is [start]", choices=BAR_STAMPS)
    file_bar_minutes: int | None = static(None, "minutes a bar spans; training takes 1 [1]", minimum=1, maximum=60)
    file_price_scale: float | None = static(None, "the file's prices are divided by this [1]", minimum=1e-9)
    file_row_order: str | None = static(
        None, "order of rows in time; any sorts, with a warning [ascending]", choices=ROW_ORDERS
    )
    file_symbol_column: str | None = static(
        None, "column that names the symbol; all files of a folder are then read [symbol or ticker]"
    )
    file_volume: bool | None = static(None, "the file has a volume column; without one volume is 0 [true]")
    # The VIX file.
    vix_layout: str | None = static(None, "how a known program writes the VIX file", choices=tuple(LAYOUTS))
    vix_delimiter: str | None = static(None, "what separates the cells of the VIX file; tab for a tab [,]")
    vix_decimal: str | None = static(None, "decimal mark of the VIX file's numbers [.]")
    vix_encoding: str | None = static(None, "text encoding of the VIX file, e.g. cp1252 [utf-8, or utf-16 by its mark]")
    vix_header: bool | None = static(None, "a line of the VIX file names its columns [true]")
    vix_columns: tuple[str, ...] = static((), "names of the VIX file's columns in order; wanted are date and close")
    vix_time_format: str | None = static(
        None, "how the VIX file writes dates, e.g. %d.%m.%Y [2024-05-14, 5/14/2024, 20240514 or Unix stamps]"
    )
    # Vendors.
    cache_path: str = static("market_cache", "folder where bars fetched from a vendor are kept")
    request_seconds: float | None = static(
        None, "least seconds between requests to a vendor; default massive 12, alpaca 0.3, yfinance 1", minimum=0
    )
    # Sessions.
    session_clock: str = static(
        "exchange", "naive_utc cuts 09:30-16:00 from UTC stamps, as the reference did", choices=CLOCKS
    )
    missing_minutes: str = static(
        "keep", "sessions with missing minutes: keep, fill up to fill_limit, or drop", choices=MISSING_MINUTES
    )
    fill_limit: int = static(
        5, "longest gap in bars that missing_minutes=fill fills; sessions with longer ones go", minimum=1
    )
    min_bars_per_session: int = static(0, "exclude sessions with fewer bars", minimum=0)
    max_move_pct: float = static(5.0, "exclude sessions with a move or wick of so many per cent in a bar", minimum=0.1)
    exclude_findings: tuple[str, ...] = static((), f"warnings that exclude their session: {', '.join(EXCLUDABLE)}")
    # What the learner is given.
    vix_timing: str = static(
        "same_day",
        "VIX that a bar sees: its own day's close (look-ahead) or the previous session's",
        choices=VIX_TIMINGS,
    )
    segments: str = static(
        "first",
        "first regime of the first symbol, all symbols and regimes, or all with regimes balanced",
        choices=SEGMENTS,
    )
    train_end: str | None = static(None, "last date of the training part, YYYY-MM-DD")
    validation_end: str | None = static(None, "last date of the validation part, YYYY-MM-DD; the rest is the test part")
    data_part: str = static("all", "which part of the dates to load", choices=PARTS)

    def __post_init__(self) -> None:
        try:
            convert_fields(self)
            check_fields(self)
        except ConfigError as error:
            raise DataError(str(error)) from None
        self._forget_defaults()
        self._check_source()
        self._check_symbols()
        self._check_dates()
        unknown = sorted(set(self.exclude_findings) - set(EXCLUDABLE))
        if unknown:
            raise DataError(f"exclude_findings names {', '.join(unknown)}: choose from {', '.join(EXCLUDABLE)}")
        _ = self.file_format, self.vix_file_format  # they raise

    @property
    def file_format(self) -> FileFormat:
        """The declared layout of the files."""
        kind = self.data_source if self.data_source in FILE_SOURCES else "csv"
        return self._declared("file", kind)

    @property
    def vix_file_format(self) -> FileFormat:
        """The declared layout of the VIX file; its kind is that of its suffix."""
        return self._declared("vix", "csv")

    def _declared(self, prefix: str, kind: str) -> FileFormat:
        """The named layout with the declarations that are given on top."""
        layout = getattr(self, f"{prefix}_layout")
        declarations = dict(LAYOUTS[layout].declarations) if layout else {}
        for name in FileFormat.__dataclass_fields__:
            value = getattr(self, f"{prefix}_{name}", None)
            if value not in (None, ()):
                declarations[name] = value
        if prefix == "file" and self.file_time_zone is not None and self.file_hours_ahead is None:
            declarations.pop("hours_ahead", None)  # the layout's would go before the zone that is given
        return FileFormat(**(declarations | {"kind": kind, "prefix": prefix}))

    @property
    def where(self) -> str:
        """What errors call the source."""
        return self.data_path or f"{self.data_source} market"

    def _forget_defaults(self) -> None:
        """A declaration of what holds anyway is none, so that equal declarations make equal configurations."""
        for field in dataclasses.fields(FileFormat):
            name = f"file_{field.name}"
            if self.file_layout is None and getattr(self, name, None) == field.default and field.default != ():
                object.__setattr__(self, name, None)

    def _check_source(self) -> None:
        reads_files = self.data_source in FILE_SOURCES
        if self.data_path is not None and not reads_files:
            raise DataError(
                f"data_path is {self.data_path!r} but data_source is {self.data_source!r}, which reads no file: "
                f"set data_source to csv or parquet, or leave data_path out"
            )
        for name in ("vix_path", "vix_symbol"):
            if getattr(self, name) is not None and self.data_source == "synthetic":
                raise DataError(
                    f"{name} is {getattr(self, name)!r} but data_source is 'synthetic', which brings its own VIX: "
                    f"set data_source to csv or parquet, or leave {name} out"
                )
        if self.vix_path is not None and self.vix_symbol is not None:
            raise DataError(
                "vix_path and vix_symbol are both given: the VIX comes from one of them, leave the other out"
            )
        if reads_files and not self.data_path:
            raise DataError(
                f"data_source is {self.data_source!r} but data_path is missing: "
                f"give data_path, a file of one-minute bars, or use data_source synthetic"
            )
        if self.data_source in VENDORS and not (self.start_date and self.end_date):
            raise DataError(f"data_source is {self.data_source!r}: give start_date and end_date of what to fetch")
        for field in dataclasses.fields(self):
            unread = not reads_files or (self.data_source == "parquet" and field.name in _CSV_ONLY)
            if field.name.startswith("file_") and unread and getattr(self, field.name) != field.default:
                raise DataError(
                    f"{field.name} is given but data_source {self.data_source} does not read it: leave it out"
                )
            if (
                field.name.startswith(_VIX_FILE)
                and self.vix_path is None
                and getattr(self, field.name) != field.default
            ):
                raise DataError(f"{field.name} is given but no vix_path: give the VIX file, or leave it out")

    def _check_symbols(self) -> None:
        if not self.symbols or not all(self.symbols):
            raise DataError(f"symbols is {self.symbols!r}: give at least one ticker, as in ('SPY',)")
        object.__setattr__(self, "symbols", tuple(checked_symbol("symbols", symbol) for symbol in self.symbols))
        if self.vix_symbol is not None:
            object.__setattr__(self, "vix_symbol", checked_symbol("vix_symbol", self.vix_symbol))
        if self.data_source in VENDORS:
            for symbol in (*self.symbols, *filter(None, [self.vix_symbol])):
                vendor_symbol(symbol)  # raises
        if len(set(self.symbols)) < len(self.symbols):
            raise DataError(f"symbols is {self.symbols!r}: name each ticker once")

    def _check_dates(self) -> None:
        given = [(name, parsed) for name in DATES if (parsed := parse_date(name, getattr(self, name)))]
        for (first, start), (second, end) in itertools.pairwise(given):
            if start > end:
                raise DataError(f"{first} {start} is after {second} {end}: swap them or move one")
        wanted = {"train": ("train_end",), "validation": ("train_end", "validation_end"), "test": ("validation_end",)}
        for name in wanted.get(self.data_part, ()):
            if getattr(self, name) is None:
                raise DataError(f"data_part is {self.data_part!r} but {name} is missing: give it as YYYY-MM-DD")


def parse_date(name: str, text: str | None) -> date | None:
    """The date that `text` names as YYYY-MM-DD (None for None); DataError calls it `name` if it is not one.

    Other ISO spellings are refused: a date has one, so that equal dates make equal configurations.
    """
    if text is None:
        return None
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise DataError(f"{name} is {text!r}: write it as YYYY-MM-DD, e.g. 2024-02-20") from None


def every_regime(market: MarketConfig) -> dict[str, Any]:
    """Options with which all sessions of the symbols are loaded that a run on the market is trained on."""
    return {"symbols": market.symbols[:1] if market.segments == "first" else market.symbols, "segments": "all"}


def from_anywhere(market: MarketConfig) -> MarketConfig:
    """The same market with paths that mean the same in every folder.

    Raises:
      ConfigError: a path cannot be one; see `user_path`.
    """
    names = ["data_path", "vix_path"]
    if market.data_source in VENDORS:
        names.append("cache_path")
    given = {name: getattr(market, name) for name in names}
    absolute: dict[str, Any] = {
        name: str(user_path(text, name).absolute()) for name, text in given.items() if text is not None
    }
    return dataclasses.replace(market, **absolute)
