"""How a file of bars is written: what a reader has to be told (imports neither jax nor pandas)."""

import zoneinfo
from dataclasses import dataclass

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.patterns import check_pattern, names_utc

UNIX_UNITS = {"unix_s": "s", "unix_ms": "ms", "unix_us": "us", "unix_ns": "ns"}
BAR_STAMPS = ("start", "end")
DAY_MS = "day_ms"
ROW_ORDERS = ("ascending", "descending", "any")
HEADERLESS_COLUMNS = ("datetime", "open", "high", "low", "close", "volume")
CSV_ONLY = ("delimiter", "decimal", "thousands", "encoding", "skip_lines", "header", "header_lines")
_MOST_HOURS_AHEAD = 26.0  # from the westernmost zone to the easternmost


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """The declared layout of a file of bars; the defaults describe the plainest one.

    Attributes:
        kind: "csv" (plain or packed) or "parquet".
        delimiter: what separates the cells of a CSV; "tab" is a tab.
        decimal: the decimal mark of a CSV's numbers.
        thousands: what groups the digits of a CSV's numbers; empty where nothing does.
        encoding: the text encoding of a CSV; empty for UTF-8, or UTF-16 where a byte-order mark says so.
        skip_lines: lines of a CSV before its header, or before the first row where it has none.
        header: whether a line of the CSV names its columns.
        header_lines: how many lines the header takes; the names of a column in all of them belong together, as in
            the three lines that pandas writes for column levels.
        columns: names of the columns in the file's order, in place of the header's; without either the
            order is datetime, open, high, low, close, volume.
        time_columns: the column that holds the stamp, or the two that hold date and time; empty for the first of
            datetime, timestamp, date, time.
        time_format: "iso", "unix_s", "unix_ms", "unix_us", "unix_ns", "day_ms" (milliseconds since midnight of the
            day that the file's name begins with, as 20131004_trade.zip), or a pattern such as %Y%m%d %H%M%S.
        time_zone: zone of the stamps that carry no offset, an IANA name.
        hours_ahead: hours by which the clock of the stamps runs ahead of New York's all year round, whatever zone or
            offset they name; None where zone or offset decide.
        bar_stamp: whether a stamp is the "start" or the "end" of its bar.
        bar_minutes: minutes that one bar spans.
        price_scale: prices are divided by it (10000 where the file counts in hundredths of a cent).
        row_order: "ascending", "descending", or "any", which sorts and warns.
        symbol_column: the column that names the symbol; empty for symbol or ticker, where the file has one. Where it is
            given, all files of a folder are read for each symbol.
        volume: whether the file has a volume column.
        prefix: how the names of the flags begin that declare all this.

    Raises:
        DataError: on a value that has no meaning.
    """

    kind: str = "csv"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    encoding: str = ""
    skip_lines: int = 0
    header: bool = True
    header_lines: int = 1
    columns: tuple[str, ...] = ()
    time_columns: tuple[str, ...] = ()
    time_format: str = "iso"
    time_zone: str = "America/New_York"
    hours_ahead: float | None = None
    bar_stamp: str = "start"
    bar_minutes: int = 1
    price_scale: float = 1.0
    row_order: str = "ascending"
    symbol_column: str = ""
    volume: bool = True
    prefix: str = "file"

    def __post_init__(self) -> None:
        self._check_cells()
        if len(self.time_columns) > 2:
            raise DataError(
                f"{self.prefix}_time_columns is {','.join(self.time_columns)}: "
                f"name one column, or two for date and time"
            )
        if self.time_format not in ("iso", DAY_MS, *UNIX_UNITS):
            self._check_pattern()
        if self.hours_ahead is not None and abs(self.hours_ahead) > _MOST_HOURS_AHEAD:
            raise DataError(
                f"{self.prefix}_hours_ahead is {self.hours_ahead:g}: use hours from -26 to 26, e.g. 7 or -1"
            )
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise DataError(
                f"{self.prefix}_time_zone is {self.time_zone!r}: "
                f"use an IANA name, e.g. UTC, America/New_York, America/Chicago"
            ) from None

    def _check_cells(self) -> None:
        if self.delimiter != "tab" and len(self.delimiter) != 1:
            raise DataError(f"{self.prefix}_delimiter is {self.delimiter!r}: give one character, or tab")
        if len(self.decimal) != 1:
            raise DataError(f"{self.prefix}_decimal is {self.decimal!r}: give one character, . or ,")
        if len(self.thousands) > 1:
            raise DataError(f"{self.prefix}_thousands is {self.thousands!r}: give one character, e.g. , or .")
        if self.decimal == self.thousands:
            raise DataError(
                f"{self.prefix}_decimal and {self.prefix}_thousands are both {self.decimal!r}: leave one out"
            )
        if self.encoding:
            try:  # codecs that turn no bytes into text, as hex, are known too
                b"\n".decode(self.encoding, errors="replace")
            except (LookupError, ValueError):
                raise DataError(
                    f"{self.prefix}_encoding is {self.encoding!r}: use a name such as cp1252, latin-1, utf-16"
                ) from None

    def _check_pattern(self) -> None:
        check_pattern(f"{self.prefix}_time_format", self.time_format, f"iso, {', '.join(UNIX_UNITS)}, {DAY_MS}")
        if names_utc(self.time_format) and self.time_zone == FileFormat.time_zone and self.hours_ahead is None:
            raise DataError(
                f"{self.prefix}_time_format is {self.time_format!r}: its last letters say UTC, but stamps would be "
                f"read as {self.time_zone} time: add --{self.prefix}_time_zone=UTC"
            )

    @property
    def separator(self) -> str:
        return "\t" if self.delimiter == "tab" else self.delimiter

    @property
    def leading_lines(self) -> int:
        """Lines before the first row."""
        return self.skip_lines + (self.header_lines if self.header else 0)
