"""What to declare for a file that was refused: a layout or declarations that are known to read its first rows."""

import dataclasses
import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from momentum_jax.market.bars import SESSION_CLOSE_MINUTE, SESSION_OPEN_MINUTE
from momentum_jax.market.errors import DataError, IntervalError, UnknownSymbolError
from momentum_jax.market.files.bar_files import read_bars
from momentum_jax.market.files.day_order import either, other_reading, time_format_flag
from momentum_jax.market.files.file_contents import expand_home, is_file
from momentum_jax.market.files.formats import CSV_ONLY, FileFormat
from momentum_jax.market.files.layouts import LAYOUTS
from momentum_jax.market.files.readers import read_table
from momentum_jax.market.files.sniffing import guesses

_SAMPLE = 60  # rows that a suggestion has to read: a row that is wrong further down has nothing to do with the layout
_YEARS = (1985, 2100)


def suggestion(path: str | Path, symbol: str, form: FileFormat, of_all_symbols: bool = False) -> str:
    """The end of an error message that says how the file can be read; empty where nothing was found or is amiss.

    Layouts come before single declarations. What reads only up to bars that are not a minute long says so.

    Args:
        path: the file.
        symbol: ticker; another one serves to try a file that names others.
        form: the declarations under which it was refused.
        of_all_symbols: whether the declarations have to name a symbol column, as for a folder of files of all symbols.
    """
    path = expand_home(path)
    if not is_file(path):
        return ""
    if not of_all_symbols and _answer(path, symbol, form) is not None:
        return _other_day_order(path, symbol, form)
    for candidates in (_layouts(form, of_all_symbols), _guesses(path, form, of_all_symbols)):
        answers = [(text, candidate, _answer(path, symbol, candidate)) for text, candidate in candidates]
        read = [(text, candidate, bars) for text, candidate, bars in answers if isinstance(bars, pd.DataFrame)]
        if read:
            text, candidate, _ = max(read, key=lambda item: _likelihood(item[2]))
            return _with_day_order(text, path, symbol, candidate)
        intervals = [(text, answer) for text, _, answer in answers if isinstance(answer, str)]
        if intervals:
            text, why = intervals[0]
            return f"{text}; but then {why}"
    return ""


def _other_day_order(path: Path, symbol: str, form: FileFormat) -> str:
    """The other order of day and month, where the declared one reads the first rows and only the other one all."""
    fitting = _day_orders(path, symbol, form)
    if form in fitting:
        return ""
    return f"; all rows can be read with {time_format_flag(form.prefix, fitting[0].time_format)}"


def _with_day_order(text: str, path: Path, symbol: str, candidate: FileFormat) -> str:
    """A suggestion of which the time format fits the whole file as to day and month; both orders where both do."""
    fitting = _day_orders(path, symbol, candidate)
    if fitting[0] != candidate:
        old, new = (time_format_flag(form.prefix, form.time_format) for form in (candidate, fitting[0]))
        text = text.replace(old, new) if old in text else f"{text} {new}"
    return text if len(fitting) == 1 else text + either(candidate.prefix, fitting[0].time_format)


def _day_orders(path: Path, symbol: str, form: FileFormat) -> list[FileFormat]:
    """The format and the one with day and month exchanged, as far as they read the whole file, the likelier first.

    The first rows of a file are of one day and fit both. Where a fault further down keeps both from being read, the
    stamps decide.
    """
    other = other_reading(form.time_format)
    if not other:
        return [form]
    both = [form, dataclasses.replace(form, time_format=other)]
    answers = [(_answer(path, symbol, candidate, max_rows=None), candidate) for candidate in both]
    read = [(bars, candidate) for bars, candidate in answers if isinstance(bars, pd.DataFrame)]
    if read:
        return [candidate for _, candidate in sorted(read, key=lambda item: _likelihood(item[0]), reverse=True)]
    return [candidate for candidate in both if _reads_stamps(path, candidate)] or both


def _reads_stamps(path: Path, form: FileFormat) -> bool:
    try:
        read_table(path, form).stamps()
    except DataError:
        return False
    return True


def _layouts(form: FileFormat, of_all_symbols: bool) -> Iterator[tuple[str, FileFormat]]:
    for name, layout in LAYOUTS.items():
        if "symbol_column" in layout.declarations or not of_all_symbols:
            wanted = FileFormat(kind=form.kind, **dict(layout.declarations))
            if wanted != form:
                yield f"; it looks like {name}: use --file_layout={name}", wanted


def _guesses(path: Path, form: FileFormat, of_all_symbols: bool) -> Iterator[tuple[str, FileFormat]]:
    for guess in guesses(path, form):
        flags = declared_flags(guess, form)
        if flags and (guess.symbol_column or not of_all_symbols):
            yield f"; its first rows can be read with {flags}", guess


def declared_flags(wanted: FileFormat, form: FileFormat) -> str:
    """The declarations in which a format differs from the one that was refused, as a shell takes them."""
    flags = []
    for field in dataclasses.fields(FileFormat):
        value = getattr(wanted, field.name)
        if (
            field.name == "prefix"
            or value == getattr(form, field.name)
            or (form.kind == "parquet" and field.name in CSV_ONLY)
        ):
            continue
        if isinstance(value, bool):
            flags.append(f"--{'' if value else 'no'}{form.prefix}_{field.name}")
        else:
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            flags.append(shlex.quote(f"--{form.prefix}_{field.name}={text}"))
    return " ".join(flags)


def _answer(path: Path, symbol: str, form: FileFormat, max_rows: int | None = _SAMPLE) -> pd.DataFrame | str | None:
    """Bars of the file's first rows (None: of all), why their interval is wrong, or None where they cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bars = read_bars(path, symbol, form, max_rows).bars
    except UnknownSymbolError as error:
        return _answer(path, error.found, form, max_rows) if error.found.upper() != symbol.upper() else None
    except IntervalError as error:
        return str(error).removeprefix(f"{path}: ")
    except DataError:
        return None
    return bars if _YEARS[0] <= bars.index[0].year and bars.index[-1].year <= _YEARS[1] else None


def _likelihood(bars: pd.DataFrame) -> tuple[float, float]:
    """Share of the bars on weekdays between 09:30 and 16:00, and of the days that have a bar at 09:30."""
    index = pd.DatetimeIndex(bars.index)
    minute = index.hour * 60 + index.minute
    inside = (minute >= SESSION_OPEN_MINUTE) & (minute < SESSION_CLOSE_MINUTE) & (index.day_of_week < 5)
    opens = (minute == SESSION_OPEN_MINUTE).sum() / index.normalize().nunique()
    return round(float(inside.mean()), 2), float(opens)
