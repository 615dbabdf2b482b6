"""One-minute bars from Alpaca, through its official client (`alpaca-py`, an optional extra)."""

import os
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, EXCHANGE_TZ
from momentum_jax.market.errors import DataError
from momentum_jax.market.vendors.protocol import MONTH_DAYS, Pace, missing_extra

KEY_VARIABLES = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
_FIELDS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}


class Alpaca:
    """See `vendor_protocol.Vendor`. Keys are read from the environment when bars are fetched, and kept nowhere."""

    name = "alpaca"
    limits = "it has shares and funds since 2016 but no index, and its free plan allows 200 requests a minute"
    stretch_days = MONTH_DAYS
    request_seconds = 0.3

    def __init__(self, pace: Pace, base_url: str | None = None):
        self._pace = pace
        self._base_url = base_url

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        """See `vendor_protocol.Vendor.fetch`; prices are adjusted for splits. BRK.B is Alpaca's own spelling."""
        absent = [name for name in KEY_VARIABLES if not os.environ.get(name)]
        if absent:
            raise DataError(f"alpaca: the variable {' and '.join(absent)} is not set: put your API key there")
        self._pace.wait()
        asked = f"alpaca: {symbol} from {first} to {last}"
        answer = self._answer(symbol, first, last, asked)
        if not isinstance(answer, dict):
            raise DataError(f"{asked}: the response is empty or has an unexpected form: nothing was stored, try again")
        return _frame(answer.get(symbol) or [], asked)

    def _answer(self, symbol: str, first: date, last: date, asked: str) -> Any:
        try:
            import requests
            from alpaca.common.exceptions import APIError
            from alpaca.data.enums import Adjustment
            from alpaca.data.historical import StockHistoricalDataClient
            from alpaca.data.requests import StockBarsRequest
            from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
        except ImportError:
            raise missing_extra("alpaca", "alpaca-py") from None
        key, secret = (os.environ[name] for name in KEY_VARIABLES)
        client = StockHistoricalDataClient(key, secret, raw_data=True, url_override=self._base_url)
        zone = ZoneInfo(EXCHANGE_TZ)
        request = StockBarsRequest(
            symbol_or_symbols=symbol,
            timeframe=TimeFrame(1, TimeFrameUnit.Minute),
            start=datetime.combine(first, time(), zone),
            end=datetime.combine(last + timedelta(days=1), time(), zone) - timedelta(minutes=1),
            adjustment=Adjustment.SPLIT,
        )
        try:
            return client.get_stock_bars(request)
        except APIError as error:
            raise DataError(f"{asked}: {_refusal(error.status_code)}") from None
        except requests.exceptions.JSONDecodeError:
            raise DataError(f"{asked}: the answer is not JSON: nothing of it was stored, try again") from None
        except requests.exceptions.RequestException as error:
            raise DataError(
                f"{asked}: the service cannot be reached ({type(error).__name__}): check the network"
            ) from None


def _refusal(status: int | None) -> str:
    if status == 401:
        return f"401, the key is not accepted: check the variables {' and '.join(KEY_VARIABLES)}"
    if status == 403:
        return "403, your plan does not include this (a free one: no consolidated feed of the last 15 minutes)"
    if status == 429:
        return "429, too many requests (a free plan allows 200 a minute): raise request_seconds"
    if status is not None and status >= 500:
        return f"{status}, the service fails: try again later; what was fetched before is kept"
    return f"{status}, refused: check the symbol and the dates"


def _frame(rows: list[dict[str, Any]], asked: str) -> pd.DataFrame:
    for place, row in enumerate(rows):
        absent = sorted({"t", *_FIELDS} - set(row))
        if absent:
            raise DataError(f"{asked}: bar {place + 1} lacks {', '.join(absent)}: nothing of it was stored, try again")
    stamps = pd.to_datetime([row["t"] for row in rows], utc=True, format="ISO8601")
    index = pd.DatetimeIndex(stamps).tz_convert(EXCHANGE_TZ).as_unit("ns").rename("datetime")
    values = {name: [row[letter] for row in rows] for letter, name in _FIELDS.items()}
    return pd.DataFrame(values, index=index, dtype="float64", columns=list(BAR_COLUMNS))
