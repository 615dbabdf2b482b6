"""Columns that may name the symbol although they are not called symbol or ticker: never read as such in silence."""

import re
import warnings

import pandas as pd

from momentum_jax.market.errors import DataError, DataWarning, UnknownSymbolError
from momentum_jax.market.files.columns import FIELDS, SYMBOL_COLUMNS
from momentum_jax.market.files.spellings import belongs_to
from momentum_jax.market.files.traced_tables import Table

# A column called by the first holds symbols; one called by the second may as well hold a kind of security.
_SURE_NAME = r"(?:\w+[ _])?(?:sym|symbol|ticker)(?:[ _]code)?|(?:stock|instrument|security)[ _](?:code|symbol|ticker)"
_LIKELY_NAME = r"stock|instrument|security"
_TICKER = r"[A-Z^$][A-Z0-9.^:/=$-]{0,14}"
_LONG_WORD = r"(?!USD[A-Z]{3}$|[A-Z]{3,4}USDT?$)[A-Z]{6,}"  # COMMON or REGULAR, but not EURUSD
_ANSWERS = frozenset(("Y", "N", "YES", "NO", "TRUE", "FALSE"))
_KIND_WORDS = (
    "ADR ADRC BASKET BOND BONDS CASH CFD COM CRYPTO CS EQ EQS ETC ETF ETFS ETN ETP ETV FOREX FUND FUNDS FUT FX INDEX "
    "IND NOTE NOTES OPT ORD OTHER PFD PREF REIT RIGHT SHARE SHRS SPOT STK STOCK SWAP UNIT UNITS WAR"
)
_KINDS = frozenset(_KIND_WORDS.split())
_SHOWN = 5


def refuse_other_symbol(table: Table, symbol: str) -> None:
    """Raises DataError where a column that is called like one of symbols names others than the one asked for.

    One text in all rows that may be no ticker, such as ETF, is no ground to refuse: a DataWarning says that it was not
    read.
    """
    for name in filter(is_symbol_name, _unread_columns(table)):
        tickers = symbols_of(name, table.frame[name])
        others = [ticker for ticker in tickers if not belongs_to(ticker, symbol)]
        what = f"{table.path}: column {name} holds {_listed(tickers)}, but {symbol} is asked for: give"
        rename = "or, if it names no symbols, another name for it in file_columns"
        if others and others == tickers:
            flags = f"--symbols={others[0]} and --file_symbol_column={name}"
            raise UnknownSymbolError(f"{what} {flags}, {rename}", others[0])
        if others:
            raise DataError(f"{what} --file_symbol_column={name}, {rename}")
        if not tickers:
            _report_constant(table, name, symbol)


def _report_constant(table: Table, name: str, symbol: str) -> None:
    column = table.frame[name].dropna()
    texts = column.astype("str").str.strip().unique()
    if len(texts) != 1 or pd.api.types.is_numeric_dtype(column) or belongs_to(texts[0], symbol):
        return
    text = (
        f"column {name} holds {texts[0]}, taken for no symbol: the bars are read as those of {symbol}; if it names "
        f"their symbol, declare --file_symbol_column={name}"
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
        tickers = tickers_of(table.frame[name])
        pairs = pd.DataFrame({"value": table.frame[name].to_numpy(), "stamp": stamps})
        if len(tickers) > 1 and not pairs.duplicated().any():
            raise DataError(
                f"{table.path}: stamps repeat, once for each of {_listed(tickers)} in column {name}: give "
                f"--file_symbol_column={name} if it names the symbol, else keep the rows of one of them"
            )


def is_symbol_name(name: str) -> bool:
    """Whether a column's name says symbol in other words, as sym, act_symbol or instrument."""
    return re.fullmatch(f"{_SURE_NAME}|{_LIKELY_NAME}", name) is not None


def symbols_of(name: str, column: pd.Series) -> list[str]:
    """The tickers of a column that is called like one of symbols; none where all may well be something else.

    That are answers such as Y, and in a column whose name says instrument or security, not symbol, kinds of security
    such as ETF, and words that are longer than tickers.
    """
    tickers = tickers_of(column)
    sure = re.fullmatch(_SURE_NAME, name) is not None
    return tickers if any(_is_likely(ticker, sure) for ticker in tickers) else []


def _is_likely(ticker: str, sure: bool) -> bool:
    if sure or ticker in _ANSWERS:
        return ticker not in _ANSWERS
    parts = re.split(r"[^A-Z0-9]+", ticker)
    return not all(part in _KINDS or re.fullmatch(_LONG_WORD, part) for part in parts)


def tickers_of(column: pd.Series) -> list[str]:
    """The different texts of a column in upper case, sorted; none where it holds anything but short words."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return []
    texts = sorted({str(text).strip().upper() for text in column.dropna().unique()})
    return texts if all(re.fullmatch(_TICKER, text) for text in texts) else []


def _unread_columns(table: Table) -> list[str]:
    """Names of the columns that nothing is read from."""
    names = [str(name) for name in table.frame.columns]
    used = {*FIELDS, *SYMBOL_COLUMNS, *table.stamp_columns(), ""}
    return [name for name in names if name not in used and names.count(name) == 1]


def _listed(tickers: list[str]) -> str:
    return f"{', '.join(tickers[:_SHOWN])}{' …' if len(tickers) > _SHOWN else ''}"
