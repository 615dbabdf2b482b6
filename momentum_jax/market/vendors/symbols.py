"""Symbols: what users may write, the one spelling that stands for several, and the folder names made of them."""

import re
from urllib.parse import quote

from momentum_jax.market.errors import DataError

INDICES = ("SPX", "NDX", "VIX", "VIX1D", "DJI", "RUT")  # vendors mark these; users need not
_LONGEST = 32
_VENDOR_SYMBOL = re.compile(r"(\^|[A-Z]{1,2}:)?[A-Z0-9]+([./=_-][A-Z0-9]+)*")
_SHARE_CLASS = re.compile(r"([A-Z]{1,5})[./-]([A-Z])")
_INDEX = re.compile(rf"(?:\^|I:)({'|'.join(INDICES)})")


def checked_symbol(option: str, symbol: str) -> str:
    """The symbol in upper case; DataError, naming the option, if it cannot be one in any source.

    Files name instruments freely (EUR/USD, ES1!), but no name leads out of a folder.
    """
    text = str(symbol).strip().upper()
    parts = re.split(r"[/\\]", text)
    if not text or not text.isprintable() or len(text) > _LONGEST or {"", ".", ".."} & set(parts):
        raise DataError(f"{option} has {symbol!r}: that is no symbol; write one as SPY or BRK.B")
    return text


def vendor_symbol(symbol: str) -> str:
    """The one spelling of a symbol that is asked for and stored: BRK.B for BRK-B and BRK/B, SPX for ^SPX and I:SPX.

    Raises:
        DataError: no vendor could mean this.
    """
    text = symbol.strip().upper()
    if len(text) > _LONGEST or not _VENDOR_SYMBOL.fullmatch(text):
        raise DataError(f"symbol {symbol!r} is none that a vendor has: write it as SPY, BRK.B or SPX")
    text = "SPX" if text == "^GSPC" else text
    index, share_class = _INDEX.fullmatch(text), _SHARE_CLASS.fullmatch(text)
    if share_class:
        return f"{share_class[1]}.{share_class[2]}"
    return index[1] if index else text


def file_name(symbol: str) -> str:
    """A name for a file or folder: letters, digits and .-_ stay, everything else is percent-encoded."""
    return quote(symbol, safe="")
