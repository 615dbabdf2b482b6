"""Whether a ticker of a file is the symbol that was asked for, however either is written."""

import contextlib
import re

from momentum_jax.market.errors import DataError
from momentum_jax.market.vendors.symbols import vendor_symbol

# Series of a future's contracts: ES=F, ES1!, ES.c.0 and @ES# of the front one, ES2! and ES.c.1 of the one after it.
_CONTINUOUS = re.compile(r"(?P<root>.+?)(?:=F|#[A-Z]?|(?P<from_one>\d+)!|\.[CNV]\.(?P<from_zero>\d+))")
_CONTRACT = r"[FGHJKMNQUVXZ]\d{1,4}"  # month and year: H4, Z23, M2024
_PAIR = r"([A-Z]{3,4})[/-]([A-Z]{3,4})"  # not MET-A, which is no META
_SHARE_CLASS = r"[A-Z]{1,5}[./-][A-B]"
_AFTER_SPACE = r" (?:[A-Z]{2}|(?:[A-Z]{2} )?EQUITY|INDEX|CURNCY|COMDTY|\d\d-\d\d)"  # SPY US Equity, ES 03-24
_COUNTRY = "US|LN|GR|GY|FP|JP|JT|HK|CN|CT|AU|SW|NA|IM|SM|IN|KS|SS|SP"  # Bloomberg's
_BEFORE = "^$/@#"  # ^SPX, $SPX, /ES, @ES


def is_spelling_of(ticker: str, symbol: str) -> bool:
    """Whether two texts are one symbol: BRK-B, BRK_B and BRK.B, ^SPX and I:SPX, EUR/USD and EURUSD, /ES and ES."""
    return _plain(ticker) == _plain(symbol)


def belongs_to(ticker: str, symbol: str) -> bool:
    """Whether a ticker of a file means the symbol asked for: a spelling of it, marked, or a contract of that future.

    The marks are an exchange before a colon or a suffix: NASDAQ:SPY, SPY.P, SPY=X, SPY US Equity. A contract is ESH4,
    asked for as ES, ES=F or ES1!; ES=F is ES1!, but not ES2!.
    """
    if is_spelling_of(ticker, symbol):
        return True
    before, _, part = _dashed(ticker).rpartition(":")
    # What stands before the colon is no symbol, as X:BTCUSD is not X, unless a country follows it: SPY:US.
    if re.fullmatch(_COUNTRY, part) and belongs_to(before, symbol):
        return True
    part = part.lstrip(_BEFORE)
    part = re.sub(rf"{_AFTER_SPACE}$", "", part)
    unmarked = part if re.fullmatch(_SHARE_CLASS, part) else re.split(r"[.=-]", part)[0]
    if is_spelling_of(part, symbol) or is_spelling_of(unmarked, symbol):
        return True
    (root, place), (own_root, own_place) = _continuous(_dashed(symbol).lstrip(_BEFORE)), _continuous(part)
    if own_root == root and (own_place == place or None in (place, own_place)):
        return True
    return re.fullmatch(re.escape(root) + _CONTRACT, unmarked) is not None


def _continuous(symbol: str) -> tuple[str, int | None]:
    """The root of a series of contracts and the place of its contract, 0 for the front one; None where no place is."""
    series = _CONTINUOUS.fullmatch(symbol)
    if series is None:
        return symbol, None
    if series["from_zero"]:
        return series["root"], int(series["from_zero"])
    return series["root"], int(series["from_one"] or 1) - 1


def _dashed(symbol: str) -> str:
    """The text in upper case, where an underscore divides as a dash does: EUR_USD, BRK_B."""
    return symbol.strip().upper().replace("_", "-")


def _plain(symbol: str) -> str:
    """The one spelling that stands for several; a pair without what divides it."""
    text = _dashed(symbol).lstrip("/")
    with contextlib.suppress(DataError):  # files name instruments as no vendor does
        text = vendor_symbol(text)
    pair = re.fullmatch(_PAIR, text)
    return pair[1] + pair[2] if pair else text
