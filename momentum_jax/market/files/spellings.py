"""Whether a ticker of a file is the symbol that was asked for, however either is written."""

import contextlib
import re

from momentum_jax.market.errors import DataError
from momentum_jax.market.vendors.symbols import vendor_symbol

_CONTINUOUS = r"=F|\d+!|\.[CNV]\.\d+"  # ES=F, ES1!, ES.c.0: the front contract of ES
_CONTRACT = r"[FGHJKMNQUVXZ]\d{1,4}"  # month and year: H4, Z23, M2024
_PAIR = r"([A-Z]{3,4})[/-]([A-Z]{3,4})"  # not MET-A, which is no META
_SHARE_CLASS = r"[A-Z]{1,5}[./-][A-B]"


def is_spelling_of(ticker: str, symbol: str) -> bool:
    """Whether two texts are one symbol: BRK-B, BRK/B and BRK.B, ^SPX and I:SPX, EUR/USD and EURUSD."""
    return _plain(ticker) == _plain(symbol)


def belongs_to(ticker: str, symbol: str) -> bool:
    """Whether a ticker of a file means the symbol asked for: a spelling of it, marked, or a contract of that future.

    The marks are an exchange before a colon or a suffix: NASDAQ:SPY, SPY.P, SPY=X. A contract is ESH4, asked for as ES,
    ES=F or ES1!.
    """
    if is_spelling_of(ticker, symbol):
        return True
    root = re.sub(rf"(?:{_CONTINUOUS})$", "", symbol.strip().upper()).lstrip("/")
    for part in ticker.strip().upper().split(":"):
        part = part.lstrip("^$/")
        unmarked = part if re.fullmatch(_SHARE_CLASS, part) else re.split(r"[.=-]", part)[0]
        if is_spelling_of(part, symbol) or is_spelling_of(unmarked, symbol):
            return True
        if re.fullmatch(re.escape(root) + _CONTRACT, unmarked):
            return True
    return False


def _plain(symbol: str) -> str:
    """The one spelling that stands for several; a pair without what divides it."""
    text = symbol.strip().upper()
    with contextlib.suppress(DataError):  # files name instruments as no vendor does
        text = vendor_symbol(text)
    pair = re.fullmatch(_PAIR, text)
    return pair[1] + pair[2] if pair else text
