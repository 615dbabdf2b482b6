"""One-minute aggregates from Massive, through its official client (`massive`, an optional extra).

The client hides three things that matter here: an undecodable body and a body without `results` read as an empty
answer, and the count that the service states is not compared with what came. The JSON decoder that it lets its
caller choose sees every page, so they are checked there.
"""

import json
import os
from datetime import date
from typing import Any

import pandas as pd

from momentum_jax.market.bars import BAR_COLUMNS, EXCHANGE_TZ
from momentum_jax.market.errors import DataError
from momentum_jax.market.vendors.protocol import MONTH_DAYS, Pace, missing_extra
from momentum_jax.market.vendors.symbols import INDICES

KEY_VARIABLE = "MASSIVE_API_KEY"
BASE_URL = "https://api.massive.com"
_PAGE_LIMIT = 50_000
_MOST_PAGES = 50  # of a month, which has 45 000 minutes
_GOOD_STATUS = ("OK", "DELAYED")


class _BadPageError(Exception):
    """A page that cannot be used. No ValueError: the client takes those for an empty answer."""


class _PageReader:
    """Decodes pages for the client, checks each, and keeps requests apart."""

    def __init__(self, pace: Pace):
        self._pace = pace
        self._pages = 0

    def loads(self, text: str) -> Any:
        try:
            page = json.loads(text)
        except ValueError as error:
            raise _BadPageError(f"the answer is not JSON ({error})") from None
        if not isinstance(page, dict) or page.get("status") not in _GOOD_STATUS:
            raise _BadPageError(f"the answer's status is {page.get('status') if isinstance(page, dict) else None!r}")
        count, results = page.get("resultsCount"), page.get("results")
        if results is None and count != 0:
            raise _BadPageError(f"the answer has no results but counts {count}")
        if results is not None and count is not None and count != len(results):
            raise _BadPageError(f"the answer counts {count} results but holds {len(results)}")
        self._pages += 1
        if self._pages > _MOST_PAGES:
            raise _BadPageError(f"the answer has more than {_MOST_PAGES} pages")
        if page.get("next_url"):
            self._pace.wait()  # the client asks for the next page at once
        return page


class Massive:
    """See `vendor_protocol.Vendor`. The key is read from MASSIVE_API_KEY when bars are fetched, and kept nowhere."""

    name = "massive"
    limits = "plans differ in how far back and which markets they reach (a free one: two years, 5 requests a minute)"
    stretch_days = MONTH_DAYS
    request_seconds = 12.0

    def __init__(self, pace: Pace, base_url: str = BASE_URL, retries: int = 3):
        self._pace = pace
        self._base_url = base_url
        self._retries = retries

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        """See `vendor_protocol.Vendor.fetch`; prices are adjusted for splits."""
        key = os.environ.get(KEY_VARIABLE, "")
        if not key:
            raise DataError(f"massive: the variable {KEY_VARIABLE} is not set: put your API key there")
        ticker = f"I:{symbol}" if symbol in INDICES else symbol  # share classes are written as here: BRK.B
        asked = f"massive: {ticker} from {first} to {last}"
        self._pace.wait()
        try:
            rows = self._rows(key, ticker, first, last)
        except _BadPageError as error:
            raise DataError(f"{asked}: {error}: nothing of it was stored, try again") from None
        if not rows:
            return _empty_frame()
        return _frame(rows, asked)

    def _rows(self, key: str, ticker: str, first: date, last: date) -> list[Any]:
        try:
            import massive
            import urllib3
        except ImportError:
            raise missing_extra("massive", "massive") from None
        client = massive.RESTClient(
            api_key=key, base=self._base_url, retries=self._retries, custom_json=_PageReader(self._pace)
        )
        asked = f"massive: {ticker} from {first} to {last}"
        try:
            return list(
                client.list_aggs(ticker, 1, "minute", first, last, adjusted=True, sort="asc", limit=_PAGE_LIMIT)
            )
        except massive.exceptions.BadResponse as error:
            raise DataError(f"{asked}: {_refusal(str(error).replace(key, '…'))}") from None
        except urllib3.exceptions.MaxRetryError as error:
            raise DataError(f"{asked}: {_exhausted(str(error.reason))}") from None
        except urllib3.exceptions.HTTPError as error:
            raise DataError(f"{asked}: the connection failed ({type(error).__name__}): try again") from None


def _refusal(body: str) -> str:
    """What an answer of another status than 200, 429 and 5xx means; the client keeps the body only."""
    try:
        answer = json.loads(body)
    except ValueError:
        return f"refused ({body[:100]!r}): check the symbol and the dates"
    reason = answer.get("message") or answer.get("error") or ""
    if answer.get("status") in ("NOT_AUTHORIZED", "FORBIDDEN"):
        return f"403, your plan does not include this ({reason}): ask for other dates or symbols, or another plan"
    if "key" in reason.lower() or "auth" in reason.lower():
        return f"401, the key is not accepted ({reason}): check the variable {KEY_VARIABLE}"
    return f"refused ({reason}): check the symbol and the dates"


def _exhausted(reason: str) -> str:
    if "429" in reason:
        return "429, too many requests: raise request_seconds (12 for a free plan); what was fetched before is kept"
    if "error responses" in reason:
        return f"the service fails ({reason}): try again later; what was fetched before is kept"
    return f"the service cannot be reached ({reason[:120]}): check the network"


def _frame(rows: list[Any], asked: str) -> pd.DataFrame:
    for place, row in enumerate(rows):
        if row.timestamp is None or None in (row.open, row.high, row.low, row.close):
            raise DataError(
                f"{asked}: result {place + 1} lacks its time or a price: nothing of it was stored, try again"
            )
    stamps = pd.to_datetime([row.timestamp for row in rows], unit="ms", utc=True).tz_convert(EXCHANGE_TZ)
    values = {name: [getattr(row, name) for row in rows] for name in BAR_COLUMNS}
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(stamps).as_unit("ns").rename("datetime"), dtype="float64")
    frame["volume"] = frame["volume"].fillna(0.0)  # an index has none
    steps = frame.index.to_series().diff().iloc[1:]
    if (steps <= pd.Timedelta(0)).any():
        raise DataError(f"{asked}: results are not in ascending order: nothing of it was stored, try again")
    return frame


def _empty_frame() -> pd.DataFrame:
    index = pd.DatetimeIndex([], tz=EXCHANGE_TZ, name="datetime").as_unit("ns")
    return pd.DataFrame(columns=list(BAR_COLUMNS), index=index, dtype="float64")
