"""Where the bars come from: the options of the market layer (imports neither jax nor pandas)."""

from dataclasses import dataclass
from datetime import date

from momentum_jax.market.errors import DataError

DATA_SOURCES = ("synthetic", "csv", "parquet")


@dataclass(frozen=True, kw_only=True)
class MarketConfig:
    """Which market a run is trained on.

    Attributes:
        data_source: "synthetic" (the embedded market), "csv" or "parquet".
        data_path: file of one-minute bars; for "csv" and "parquet" only.
        vix_path: file of daily VIX closes; for "csv" and "parquet" only.
        start_date: first exchange date kept, ISO, inclusive; None keeps all.
        end_date: last exchange date kept, ISO, inclusive; None keeps all.
        symbols: tickers, the one trained on first.
        intraday_days: keep only this many of the last sessions; None keeps all.
        synthetic_seed: key of the embedded market.

    Raises:
        DataError: on an option that has no meaning, or that the chosen source would not read.
    """

    data_source: str = "synthetic"
    data_path: str | None = None
    vix_path: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    symbols: tuple[str, ...] = ("SPY", "QQQ", "SPX")
    intraday_days: int | None = None
    synthetic_seed: int = 0

    def __post_init__(self) -> None:
        self._check_source()
        self._check_symbols()
        start = parse_date("start_date", self.start_date)
        end = parse_date("end_date", self.end_date)
        if start and end and start > end:
            raise DataError(f"start_date {start} is after end_date {end}: swap them or move one")
        if self.intraday_days is not None and self.intraday_days < 1:
            raise DataError(f"intraday_days is {self.intraday_days}: keep at least 1 session, or leave it out")
        if self.synthetic_seed < 0:
            raise DataError(f"synthetic_seed is {self.synthetic_seed}: use 0 or a positive integer")

    def _check_source(self) -> None:
        if self.data_source not in DATA_SOURCES:
            raise DataError(f"data_source is {self.data_source!r}: use one of {', '.join(DATA_SOURCES)}")
        for name in ("data_path", "vix_path"):
            path = getattr(self, name)
            if self.data_source == "synthetic" and path is not None:
                raise DataError(
                    f"{name} is {path!r} but data_source is 'synthetic', which reads no file: "
                    f"set data_source to csv or parquet, or leave {name} out"
                )
            if self.data_source != "synthetic" and not path:
                content = "one-minute bars" if name == "data_path" else "daily VIX closes"
                raise DataError(
                    f"data_source is {self.data_source!r} but {name} is missing: "
                    f"give {name}, a file of {content}, or use data_source synthetic"
                )

    def _check_symbols(self) -> None:
        if isinstance(self.symbols, str) or not self.symbols or not all(self.symbols):
            raise DataError(f"symbols is {self.symbols!r}: give at least one ticker, as in ('SPY',)")
        if len(set(self.symbols)) < len(self.symbols):
            raise DataError(f"symbols is {self.symbols!r}: name each ticker once")


def parse_date(name: str, text: str | None) -> date | None:
    """The date that ISO `text` names (None for None); DataError calls it `name` if it is not one."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise DataError(f"{name} is {text!r}: write it as YYYY-MM-DD, e.g. 2024-02-20") from None
