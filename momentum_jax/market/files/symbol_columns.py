"""Columns that may name the symbol although they are not called symbol or ticker: never read as such in silence."""

import contextlib
import re
import shlex
import warnings

import pandas as pd

from momentum_jax.market.errors import DataError, DataWarning, UnknownSymbolError
from momentum_jax.market.files.columns import FIELDS, SYMBOL_COLUMNS
from momentum_jax.market.files.spellings import belongs_to, is_spelling_of
from momentum_jax.market.files.traced_tables import Table
from momentum_jax.market.vendors.symbols import checked_symbol

# A column called by the first holds symbols; one called by the second may as well hold a kind of security.
_SURE_NAME = r"(?:\w+[ _])?(?:sym|symbol|ticker)(?:[ _]code)?|(?:stock|instrument|security)[ _](?:code|symbol|ticker)"
_LIKELY_NAME = r"stock|instrument|security"
# Symbols of something else than instruments. An exchange_ticker is the ticker at an exchange.
_OTHER_NAME = (
    r"(?:\w+[ _])?(?:(?:currency|ccy|quote|country|mic|sector|industry)[ _]\w+|"
    r"(?:exchange|exch|venue)[ _]sym(?:bol)?(?:[ _]code)?)"
)
# SPY, ES1!, EUR_USD, 6EH4, 7203.T, CME_MINI:ES1!, SPY US EQUITY; no date, no time and no number.
_TICKER = (
    r"(?:\d{3,6}\.[A-Z]{1,2}|[$^@/#.]?\d?[A-Z][A-Z0-9.^:/=$_!@#-]{0,29})"
    r"(?: (?:[A-Z]{2} )?(?:EQUITY|INDEX|CURNCY|COMDTY))?"
)
_LONG_WORD = r"(?!USD[A-Z]{3}$|[A-Z]{3,4}USDT?$)[A-Z]{6,}"  # COMMON or REGULAR, but not EURUSD
_ANSWERS = frozenset(("Y", "N", "YES", "NO", "TRUE", "FALSE"))
_KIND_WORDS = (
    "ADR ADRC BASKET BOND BONDS CASH CFD COM CRYPTO CS EQ EQS ETC ETF ETFS ETN ETP ETV FOREX FUND FUNDS FUT FX INDEX "
    "IND NOTE NOTES OPT ORD OTHER PFD PREF REIT RIGHT SHARE SHRS SPOT STK STOCK SWAP UNIT UNITS WAR"
)
_KINDS = frozenset(_KIND_WORDS.split())
_SHOWN = 5
_MOST_FAULTY = 0.5  # of the rows


def refuse_other_symbol(table: Table, symbol: str) -> None:
    """Raises DataError where a column that is called like one of symbols names others than the one asked for.

    Texts that may be no tickers, such as ETF, are no ground to refuse: a DataWarning says that they were not read.
    """
    for name in filter(is_symbol_name, _unread_columns(table)):
        tickers = symbols_of(name, table.frame[name])
        own = [ticker for ticker in tickers if belongs_to(ticker, symbol)]
        if not tickers:
            _report_unread(table, name, symbol)
        if len(own) == len(tickers):
            continue
        # A ticker that is only marked otherwise is picked from a declared column by its own text.
        picked = any(is_spelling_of(ticker, symbol) for ticker in own)
        asked = "" if picked else next(filter(_may_be_asked_for, (text.lstrip("/") for text in own or tickers)), "")
        flags = f"{shlex.quote(f'--symbols={asked}')} and " if asked else ""
        text = (
            f"{table.path}: column {name} holds {_listed(tickers)}, but {symbol} is asked for: give "
            f"{flags}--file_symbol_column={name}, or, if it names no symbols, another name for it in file_columns"
        )
        raise UnknownSymbolError(text, asked) if asked else DataError(text)


def _report_unread(table: Table, name: str, symbol: str) -> None:
    column = table.frame[name].dropna()
    texts = sorted(column.astype("str").str.strip().unique())
    if pd.api.types.is_numeric_dtype(column) or all(belongs_to(text, symbol) for text in texts):
        return
    text = (
        f"column {name} holds {_listed(texts)}, taken for no symbol: the bars are read as those of {symbol}; if it "
        f"names their symbol, declare --file_symbol_column={name}"
    )
    warnings.warn(DataWarning(f"{table.path}: {text}"), stacklevel=4)


def refuse_several_series(table: Table, stamps: pd.DatetimeIndex) -> None:
    """Raises DataError where stamps repeat, but not among the rows of each value of a column of texts.

    Args:
        table: rows of a file that names no symbol.
        stamps: their stamps [rows].
    """
    if stamps.is_unique:
        return
    for name in _unread_columns(table):
        if _tells_series_apart(table.frame[name], stamps):
            raise DataError(
                f"{table.path}: stamps repeat, once for each of {_listed(_texts_of(table.frame[name]))} in column "
                f"{name}: give --file_symbol_column={name} if it names the symbol, else keep the rows of one of them"
            )


def _tells_series_apart(column: pd.Series, stamps: pd.DatetimeIndex) -> bool:
    """Whether stamps repeat only among rows with different texts.

    Texts that are no tickers, as a name of a company or a comment, have to stand in two rows each, and most stamps have
    to repeat: a few faulty rows may differ in any text.
    """
    texts = _texts_of(column)
    if len(texts) < 2 or pd.DataFrame({"value": column.to_numpy(), "stamp": stamps}).duplicated().any():
        return False
    repeated = stamps.duplicated(keep=False).mean()
    return bool(tickers_of(column)) or (2 * len(texts) <= len(column) and repeated > _MOST_FAULTY)


def is_symbol_name(name: str) -> bool:
    """Whether a column's name says symbol in other words, as sym, act_symbol or instrument."""
    return names_symbols(name) or re.fullmatch(_LIKELY_NAME, name) is not None


def names_symbols(name: str) -> bool:
    """Whether a column's name leaves no doubt that it holds symbols of instruments, as sym or act_symbol."""
    return re.fullmatch(_SURE_NAME, name) is not None and re.fullmatch(_OTHER_NAME, name) is None


def symbols_of(name: str, column: pd.Series) -> list[str]:
    """The tickers of a column that is called like one of symbols; none where all may well be something else.

    That are answers such as Y, and in a column whose name says instrument or security, not symbol, kinds of security
    such as ETF, and words that are longer than tickers. In a column whose name says symbol any texts are tickers, but
    for a single one that no symbol can be, or that is a number.
    """
    sure = names_symbols(name)
    if sure and pd.api.types.is_integer_dtype(column):  # Parquet keeps 600519 as a number
        column = column.astype("str")
    tickers = _texts_of(column) if sure else tickers_of(column)
    if len(tickers) == 1 and (tickers[0].isdigit() or not _may_be_asked_for(tickers[0].lstrip("/"))):
        return []
    return tickers if any(_is_likely(ticker, sure) for ticker in tickers) else []


def _may_be_asked_for(ticker: str) -> bool:
    """Whether a ticker can be given in symbols, where a comma divides."""
    with contextlib.suppress(DataError):
        return "," not in checked_symbol("symbols", ticker)
    return False


def _is_likely(ticker: str, sure: bool) -> bool:
    if sure or ticker in _ANSWERS:
        return ticker not in _ANSWERS
    parts = re.split(r"[^A-Z0-9]+", ticker)
    return not all(part in _KINDS or re.fullmatch(_LONG_WORD, part) for part in parts)


def tickers_of(column: pd.Series) -> list[str]:
    """The different texts of a column in upper case, sorted; none where it holds anything but short words."""
    texts = _texts_of(column)
    return texts if all(re.fullmatch(_TICKER, text) for text in texts) else []


def _texts_of(column: pd.Series) -> list[str]:
    """The different texts of a column in upper case, sorted; none where it holds numbers or stamps."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return []
    return sorted({str(text).strip().upper() for text in column.dropna().unique()})


def _unread_columns(table: Table) -> list[str]:
    """Names of the columns that nothing is read from."""
    names = [str(name) for name in table.frame.columns]
    used = {*FIELDS, *SYMBOL_COLUMNS, *table.stamp_columns(), ""}
    return [name for name in names if name not in used and names.count(name) == 1]


def _listed(tickers: list[str]) -> str:
    return f"{', '.join(tickers[:_SHOWN])}{' …' if len(tickers) > _SHOWN else ''}"
