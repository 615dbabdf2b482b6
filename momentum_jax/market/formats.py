"""How a file of bars is written: what a reader has to be told (imports neither jax nor pandas)."""

import zoneinfo
from dataclasses import dataclass

from momentum_jax.market.errors import DataError

UNIX_UNITS = {"unix_s": "s", "unix_ms": "ms", "unix_us": "us", "unix_ns": "ns"}
BAR_STAMPS = ("start", "end")
DAY_MS = "day_ms"
ROW_ORDERS = ("ascending", "descending", "any")
HEADERLESS_COLUMNS = ("datetime", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """The declared layout of a file of bars; the defaults describe the plainest one.

    Attributes:
        kind: "csv" (also .csv.gz) or "parquet".
        delimiter: what separates the cells of a CSV; "tab" is a tab.
        header: whether the CSV's first line names its columns.
        columns: names of the columns in the file's order, in place of the header's; without either the
            order is datetime, open, high, low, close, volume.
        time_format: "iso", "unix_s", "unix_ms", "unix_us", "unix_ns", "day_ms" (milliseconds since midnight of the
            day that the file's name begins with, as 20131004_trade.zip), or a pattern such as %Y%m%d %H%M%S.
        time_zone: zone of the stamps that carry no offset, an IANA name.
        bar_stamp: whether a stamp is the "start" or the "end" of its bar.
        bar_minutes: minutes that one bar spans.
        price_scale: prices are divided by it (10000 where the file counts in hundredths of a cent).
        row_order: "ascending", "descending", or "any", which sorts and warns.
        volume: whether the file has a volume column.

    Raises:
        DataError: on a value that has no meaning.
    """

    kind: str = "csv"
    delimiter: str = ","
    header: bool = True
    columns: tuple[str, ...] = ()
    time_format: str = "iso"
    time_zone: str = "America/New_York"
    bar_stamp: str = "start"
    bar_minutes: int = 1
    price_scale: float = 1.0
    row_order: str = "ascending"
    volume: bool = True

    def __post_init__(self) -> None:
        if self.delimiter != "tab" and len(self.delimiter) != 1:
            raise DataError(f"file_delimiter is {self.delimiter!r}: give one character, or tab")
        if self.time_format not in ("iso", DAY_MS, *UNIX_UNITS) and "%" not in self.time_format:
            raise DataError(
                f"file_time_format is {self.time_format!r}: use iso, {', '.join(UNIX_UNITS)}, {DAY_MS}, "
                f"or a pattern such as %Y%m%d %H%M%S"
            )
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise DataError(
                f"file_time_zone is {self.time_zone!r}: use an IANA name, e.g. UTC, America/New_York, America/Chicago"
            ) from None

    @property
    def separator(self) -> str:
        return "\t" if self.delimiter == "tab" else self.delimiter
