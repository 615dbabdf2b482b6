"""One-minute bars from Yahoo, through `yfinance` (an optional extra)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, EXCHANGE_TZ
from momentum_jax.market.errors import DataError
from momentum_jax.market.vendors.protocol import Pace, missing_extra
from momentum_jax.market.vendors.symbols import INDICES

_REACH_DAYS = 30


def _new_york_date() -> date:
    return datetime.now(ZoneInfo(EXCHANGE_TZ)).date()


class Yahoo:
    """See `vendor_protocol.Vendor`. No key. One-minute bars of the last 30 days, 8 days at a time."""

    name = "yfinance"
    limits = "Yahoo keeps one-minute bars for the last 30 days only, and offers no promise of completeness"
    stretch_days = 7
    request_seconds = 1.0

    def __init__(
        self,
        pace: Pace,
        make_ticker: Callable[[str], Any] | None = None,
        today: Callable[[], date] = _new_york_date,
    ):
        self._pace = pace
        self._make_ticker = make_ticker
        self._today = today

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        """See `vendor_protocol.Vendor.fetch`; regular sessions only, prices as traded."""
        asked = f"yfinance: {symbol} from {first} to {last}"
        oldest = self._today() - timedelta(days=_REACH_DAYS - 1)
        if first < oldest:
            raise DataError(f"{asked}: {self.limits}: ask for {oldest} or later, or use another source")
        try:
            import yfinance
        except ImportError:
            raise missing_extra("yfinance", "yfinance") from None
        self._pace.wait()
        ticker = (self._make_ticker or yfinance.Ticker)(_ticker(symbol))
        try:
            answer = ticker.history(
                interval="1m",
                start=first,
                end=last + timedelta(days=1),
                prepost=False,
                auto_adjust=False,
                actions=False,
                raise_errors=True,
            )
        except yfinance.exceptions.YFRateLimitError:
            raise DataError(f"{asked}: too many requests: raise request_seconds and wait a while") from None
        except yfinance.exceptions.YFPricesMissingError as error:
            raise DataError(f"{asked}: no bars ({error.rationale}): {self.limits}") from None
        except (yfinance.exceptions.YFException, OSError) as error:
            raise DataError(f"{asked}: failed ({type(error).__name__}): try again later") from None
        return _frame(answer, asked)


def _ticker(symbol: str) -> str:
    """Yahoo's own spelling: ^VIX, BRK-B; its S&P 500 is ^GSPC."""
    if symbol in INDICES:
        return "^GSPC" if symbol == "SPX" else f"^{symbol}"
    base, dot, share_class = symbol.rpartition(".")
    return f"{base}-{share_class}" if dot and len(share_class) == 1 else symbol


def _frame(answer: pd.DataFrame, asked: str) -> pd.DataFrame:
    frame = answer.rename(columns=str.lower)
    absent = [name for name in BAR_COLUMNS if name not in frame.columns]
    if absent or (len(frame) and pd.DatetimeIndex(frame.index).tz is None):
        raise DataError(f"{asked}: the answer has no {', '.join(absent) or 'time zone'}: try again, or another release")
    index = pd.DatetimeIndex(frame.index)
    frame.index = (index.tz_localize("UTC") if index.tz is None else index).tz_convert(EXCHANGE_TZ).as_unit("ns")
    return frame.loc[:, list(BAR_COLUMNS)].astype("float64").rename_axis("datetime")
