"""Guesses at how a file is written, for the suggestion in an error message. A guess is never used to read bars."""

import csv
import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.columns import FIELDS, STAMP_COLUMNS, SYMBOL_COLUMNS
from momentum_jax.market.files.encodings import likely_text
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.header_lines import first_bar, numbers_among
from momentum_jax.market.files.readers import read_table
from momentum_jax.market.files.symbol_columns import is_symbol_name, symbols_of, tickers_of
from momentum_jax.market.files.time_forms import time_forms

_SAMPLE = 40  # rows by which columns and stamps are recognised
_DELIMITERS = {",": ",", ";": ";", "\t": "tab", "|": "|"}
_SYNONYMS = {
    "open": "open o first opening eröffnung eroeffnung ouverture apertura open_price price_open 1._open",
    "high": "high h max hoch haut alto máximo maximo high_price price_high 2._high",
    "low": "low l min tief bas bajo mínimo minimo low_price price_low 3._low",
    "close": "close c last price schluss schlusskurs clôture cloture cierre close_price price_close 4._close",
    "volume": "volume v vol size volumen umsatz tickvol tick_volume tickvolume volumefrom 5._volume",
}
_STAMPS_AMONG = 5  # columns: date and time stand beside each other near the front


def guesses(path: Path, form: FileFormat) -> Iterator[FileFormat]:
    """Formats that the file may have, the likeliest first; each keeps what was declared of the bars themselves."""
    for cells in _cell_guesses(path, form) if form.kind == "csv" else iter((form,)):
        try:
            table = read_table(path, cells, _SAMPLE)
        except DataError:
            continue
        yield from _column_guesses(table.frame, cells)


def _cell_guesses(path: Path, form: FileFormat) -> Iterator[FileFormat]:
    """How a text is divided into cells."""
    try:
        encoding, text = likely_text(path, form.encoding)
    except DataError:
        return
    lines = text.splitlines()[:-1] or text.splitlines()
    for mark, name in _DELIMITERS.items():
        rows = list(csv.reader(lines, delimiter=mark))
        found = first_bar(rows)
        if found is None:
            continue
        first, has_header = found
        decimal, thousands = _marks([cell for row in rows[first : first + _SAMPLE] for cell in row])
        yield dataclasses.replace(
            form,
            encoding=encoding,
            delimiter=name,
            decimal=decimal,
            thousands=thousands,
            header=has_header,
            header_lines=1,
            skip_lines=first - 1 if has_header else first,
            columns=() if has_header else _letters(len(rows[first])),
        )


def _marks(cells: list[str]) -> tuple[str, str]:
    """Decimal mark and thousands separator of the numbers among the cells."""
    numbers = numbers_among(cells)
    commas = [cell for cell in numbers if "," in cell]
    if any(re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", cell) for cell in commas):
        return ",", "."
    if commas and all(re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", cell) for cell in commas):
        return ".", ","
    return (",", "") if commas else (".", "")


def _letters(count: int) -> tuple[str, ...]:
    return tuple(f"column_{place + 1}" for place in range(count))


def _column_guesses(frame: pd.DataFrame, cells: FileFormat) -> Iterator[FileFormat]:
    """Which columns hold stamps and prices, and how the stamps are written."""
    names = [str(name) for name in frame.columns]
    stamps, formats = _stamp_guess(frame, names)
    if not stamps:
        return
    renamed = _renamed(frame, names, stamps)
    if renamed is None:
        return
    changes: dict[str, Any] = {"columns": tuple(renamed) if renamed != names or not cells.header else ()}
    if changes["columns"] and len(stamps) == 1 and names[stamps[0]] not in STAMP_COLUMNS:
        renamed[stamps[0]] = "datetime"
        changes["columns"] = tuple(renamed)
    own = tuple(renamed[place] for place in stamps)
    changes["time_columns"] = () if own == _usual(renamed) else own
    changes["volume"] = cells.volume and "volume" in renamed
    symbols = _symbol_columns(frame, renamed, cells)
    for symbol, time_format, order in itertools.product(symbols, formats, (cells.row_order, "descending", "any")):
        yield dataclasses.replace(cells, **changes, time_format=time_format, row_order=order, symbol_column=symbol)


def _symbol_columns(frame: pd.DataFrame, names: list[str], cells: FileFormat) -> list[str]:
    """What may be declared as the column that names the symbol, the present declaration first."""
    known = [name for name in names if name in SYMBOL_COLUMNS]
    others = [(name, frame.iloc[:, place]) for place, name in enumerate(names) if name not in (*FIELDS, *known)]
    several = [
        name
        for name, column in others
        if len(tickers_of(column)) > 1 or (is_symbol_name(name) and symbols_of(name, column))
    ]
    return list(dict.fromkeys([cells.symbol_column, *known, *several]))


def _usual(names: list[str]) -> tuple[str, ...]:
    return tuple(next(([name] for name in STAMP_COLUMNS if name in names), []))


def _stamp_guess(frame: pd.DataFrame, names: list[str]) -> tuple[list[int], list[str]]:
    """Places of the stamp's one or two columns, and the time formats that fit its cells."""
    texts = [[str(cell).strip() for cell in frame.iloc[:_SAMPLE, place]] for place in range(len(names))]
    for place in sorted(range(len(names)), key=lambda place: names[place] not in (*STAMP_COLUMNS, "")):
        dtype = frame.dtypes.iloc[place]
        if isinstance(dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(dtype):
            return [place], ["iso"]
        formats = time_forms(texts[place])
        if formats:
            return [place], formats
    for first, second in itertools.pairwise(range(min(len(names), _STAMPS_AMONG))):
        formats = time_forms([f"{date} {time}" for date, time in zip(texts[first], texts[second], strict=True)])
        if formats:
            return [first, second], formats
    days = ((place, time_forms(texts[place], needs_time=False)) for place in range(len(names)))
    return next((([place], formats) for place, formats in days if formats), ([], []))


def _renamed(frame: pd.DataFrame, names: list[str], stamps: list[int]) -> list[str] | None:
    """Names for all columns, with those of the fields where they are; None where no prices are found."""
    result = [re.sub(r"[^\w ]+", "_", name) or f"column_{place + 1}" for place, name in enumerate(names)]
    if set(FIELDS[:4]) <= set(names):
        places = {field: names.index(field) for field in FIELDS if field in names}
    else:
        places = _by_synonym(names) or _by_value(frame, stamps)
    if not set(FIELDS[:4]) <= set(places):
        return None
    if "volume" not in places:
        places |= {field: place for field, place in _by_synonym(names).items() if field == "volume"}
    taken = set(places.values()) | set(stamps)
    for place, name in enumerate(result):
        if place not in taken and name in (*FIELDS, *STAMP_COLUMNS):
            result[place] = f"other_{name}"
    for field, place in places.items():
        result[place] = field
    if len(stamps) == 2:
        result[stamps[0]], result[stamps[1]] = "date", "time"
    return result if result != names else names


def _by_synonym(names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        plain = re.sub(r"[<>\[\]()]", "", name).strip().replace(" ", "_").removesuffix("_usd")
        for field, words in _SYNONYMS.items():
            if plain in words.split():
                found.setdefault(field, place)
    return found


def _by_value(frame: pd.DataFrame, stamps: list[int]) -> dict[str, int]:
    """Four neighbouring columns of numbers that behave as open, high, low and close, and the next one as volume."""
    sample = frame.iloc[:_SAMPLE]
    numbers = sample.apply(pd.to_numeric, errors="coerce").set_axis(range(frame.shape[1]), axis=1)
    for first in range(frame.shape[1] - 3):
        places = range(first, first + 4)
        if set(places) & set(stamps) or numbers[list(places)].isna().any(axis=None):
            continue
        opens, high, low, close = (numbers[place] for place in places)
        rises = (high >= opens) & (high >= close) & (low <= opens) & (low <= close)
        if rises.all() and (high > low).any():
            after = [first + 4] if first + 4 < frame.shape[1] and numbers[first + 4].notna().all() else []
            return dict(zip(FIELDS, [*places, *after], strict=False))
    return {}
