"""Columns that may name the symbol although they are not called symbol or ticker: never read as such in silence."""

import re

import pandas as pd

from momentum_jax.market.errors import DataError, UnknownSymbolError
from momentum_jax.market.files.columns import FIELDS, SYMBOL_COLUMNS
from momentum_jax.market.files.traced_tables import Table

_NAME = r"(?:\w+[ _])?(?:sym|symbol|ticker|stock|instrument|security)(?:[ _](?:code|symbol|ticker))?"
_TICKER = r"[A-Z^$][A-Z0-9.^:/=$-]{0,14}"
_SHOWN = 5


def refuse_other_symbol(table: Table, symbol: str) -> None:
    """Raises DataError where a column that is called like one of symbols names others than the one asked for."""
    for name in filter(is_symbol_name, _unread_columns(table)):
        tickers = tickers_of(table.frame[name])
        others = [ticker for ticker in tickers if symbol.upper() not in re.split(r"[^A-Z0-9^]+", ticker)]
        what = f"{table.path}: column {name} holds {_listed(tickers)}, but {symbol} is asked for: give"
        rename = "or, if it names no symbols, another name for it in file_columns"
        if others and others == tickers:
            flags = f"--symbols={others[0]} and --file_symbol_column={name}"
            raise UnknownSymbolError(f"{what} {flags}, {rename}", others[0])
        if others:
            raise DataError(f"{what} --file_symbol_column={name}, {rename}")


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
    return re.fullmatch(_NAME, name) is not None


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
