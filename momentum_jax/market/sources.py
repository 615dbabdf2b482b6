"""Sources of bars: the interface of each source, and the one that reads files."""

import itertools
import warnings
from datetime import date
from pathlib import Path
from typing import Protocol

import pandas as pd

from momentum_jax.market.bars import between_dates, copies, session_dates
from momentum_jax.market.errors import DataError, DataWarning, UnknownSymbolError
from momentum_jax.market.files.bar_files import FileBars, read_bars
from momentum_jax.market.files.file_contents import SUFFIXES, expand_home, is_folder, refusals
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.suggestions import suggestion
from momentum_jax.market.market_options import parse_date


class BarSource(Protocol):
    """Anything that serves validated bars."""

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """The bar frame of a symbol for the exchange dates start … end (inclusive ISO dates or None).

        Raises:
            DataError: on an unknown symbol, a bad bar, or no bars in that range.
        """
        ...


class FileSource:
    """Bars from one file, with or without a column that names the symbol, or from a folder.

    A folder holds a file per symbol (SPY.csv, SPY.csv.gz, SPY.parquet; see `SUFFIXES`), a folder per symbol whose files
    follow each other in time (SPY/2024-01.csv, …; names match in any case), or, where the format declares a symbol
    column, files of all symbols that follow each other in time, at any depth.
    """

    def __init__(self, path: str | Path, form: FileFormat):
        self._path = expand_home(path)
        self._form = form
        self._taken_for: str | None = None

    @property
    def taken_for(self) -> str | None:
        """The symbol that a file which names none was read for."""
        return self._taken_for

    def bars(self, symbol: str, start: str | None, end: str | None) -> pd.DataFrame:
        """See `BarSource.bars`; a file that names no symbol serves the first one that is asked for."""
        if self._taken_for not in (None, symbol):
            raise DataError(
                f"{self._path}: names no symbol, so that the bars of {self._taken_for} and of {symbol} would be the "
                f"same: ask for one symbol (--symbols={self._taken_for}), add a column symbol, or give a folder with a "
                f"file per symbol"
            )
        paths = self._files(symbol)
        if self._form.symbol_column and is_folder(self._path):
            frames = _of_days(paths, symbol, self._form, start, end)
        else:
            frames = [self._load(path, symbol) for path in paths]
        return _inside_dates(self._joined(frames, symbol), str(self._path), start, end)

    def _load(self, path: Path, symbol: str) -> pd.DataFrame:
        found = load_file(path, symbol, self._form)
        if path == self._path and not found.names_symbol:
            self._taken_for = symbol
        return found.bars

    def _joined(self, frames: list[pd.DataFrame], symbol: str) -> pd.DataFrame:
        """The frames in time order; bars that several of them hold alike are kept once, and counted."""
        if len(frames) == 1:
            return frames[0]
        frames = sorted(frames, key=lambda frame: frame.index[0])
        joined = pd.concat(frames)
        repeated = copies(joined)
        if repeated.any():
            text = f"{self._path}: {repeated.sum():,} bars of {symbol} are in two files alike: kept once"
            warnings.warn(DataWarning(text, "duplicate_rows"), stacklevel=2)
            joined = joined[~repeated]
        if not joined.index.is_monotonic_increasing or joined.index.has_duplicates:
            before, after = next(pair for pair in itertools.pairwise(frames) if pair[1].index[0] <= pair[0].index[-1])
            raise DataError(
                f"{self._path}: two files of {symbol} overlap: one ends at {before.index[-1]}, the next starts at "
                f"{after.index[0]}: keep each minute in one file"
            )
        return joined

    def _files(self, symbol: str) -> list[Path]:
        if not is_folder(self._path):
            return [self._path]
        with refusals(self._path):
            return self._files_inside(symbol)

    def _files_inside(self, symbol: str) -> list[Path]:
        suffixes = SUFFIXES[self._form.kind]
        inside = sorted(self._path.iterdir())
        wanted = {symbol.lower() + suffix for suffix in suffixes}
        files = [path for path in inside if path.is_file() and path.name.lower() in wanted]
        for folder in inside:
            if folder.is_dir() and folder.name.lower() == symbol.lower():
                files += [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(suffixes)]
        every = sorted(path for path in self._path.rglob("*") if path.name.lower().endswith(suffixes))
        if not files and self._form.symbol_column:
            files = every
        if not files:
            found = ", ".join(path.name for path in inside[:20]) or "nothing"
            hint = suggestion(every[0], symbol, self._form, of_all_symbols=True) if every else ""
            raise DataError(
                f"{self._path}: no file of {symbol} in this folder; found {found}: "
                f"name it {symbol}{suffixes[0]}, or put files into a folder {symbol}{hint}"
            )
        return files


def _of_days(
    paths: list[Path], symbol: str, form: FileFormat, start: str | None, end: str | None
) -> list[pd.DataFrame]:
    """Bars of a symbol from files of all symbols; a file of which the name's date lies outside is not opened."""
    frames, other = [], None
    first, last = parse_date("start_date", start) or date.min, parse_date("end_date", end) or date.max
    for path in paths:
        day = _date_of(path)
        if day is not None and not first <= day <= last:
            continue
        try:
            frames.append(load_file(path, symbol, form).bars)
        except UnknownSymbolError as error:
            other = other or error  # a symbol need not trade every day
    if not frames:
        raise other or DataError(
            f"{paths[0].parent}: no file from {start or 'the start'} to {end or 'the end'}; found {paths[0].name} to "
            f"{paths[-1].name}: choose start_date and end_date inside them"
        )
    return frames


def _date_of(path: Path) -> date | None:
    """The date that begins a file's name; None where none does."""
    try:
        return parse_date("a file's name", path.name[:10])
    except DataError:
        return None


def load_bars(
    path: str | Path,
    symbol: str,
    *,
    start: str | None = None,
    end: str | None = None,
    form: FileFormat | None = None,
) -> pd.DataFrame:
    """Reads the bars of a file.

    Columns, in any case and order: a stamp (datetime, timestamp, date or time), open, high, low, close, volume
    (all empty or 0 for an index), and optionally symbol or ticker. Others are ignored. All rows of the symbol are
    checked, also those outside start … end.

    Args:
        path: the file.
        symbol: ticker picked from the file's symbol column, where it has one.
        start: first exchange date, inclusive ISO date or None.
        end: last exchange date, inclusive ISO date or None.
        form: how the file is written; a plain CSV by default.

    Returns:
        A bar frame as `momentum_jax.market.bars` describes it, extended hours included.

    Raises:
        DataError: naming the file, the row and the remedy.
    """
    return _inside_dates(load_file(path, symbol, form or FileFormat()).bars, str(path), start, end)


def load_file(path: str | Path, symbol: str, form: FileFormat) -> FileBars:
    """`read_bars`, whose refusals also say which declarations would read the file, if any are found."""
    try:
        return read_bars(path, symbol, form)
    except UnknownSymbolError:
        raise
    except DataError as error:
        raise DataError(f"{error}{suggestion(path, symbol, form)}") from None


def _inside_dates(frame: pd.DataFrame, where: str, start: str | None, end: str | None) -> pd.DataFrame:
    kept = between_dates(frame, start, end)
    if kept.empty:
        dates = session_dates(frame.index)
        raise DataError(
            f"{where}: no bars from {start or 'the start'} to {end or 'the end'}; the file covers "
            f"{dates[0].date()} to {dates[-1].date()}: choose start_date and end_date inside it"
        )
    return kept
