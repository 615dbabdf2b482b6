"""CSV and Parquet files, read into tables as their format declares."""

import csv
import dataclasses
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.columns import STAMP_COLUMNS, SYMBOL_COLUMNS, plain_name
from momentum_jax.market.files.encodings import encoding_of, encoding_remedy, is_text, likely_text
from momentum_jax.market.files.file_contents import check_file, expand_home, head_bytes, is_parquet, opened
from momentum_jax.market.files.formats import HEADERLESS_COLUMNS, FileFormat
from momentum_jax.market.files.header_lines import first_bar, is_row
from momentum_jax.market.files.symbol_columns import names_symbols
from momentum_jax.market.files.traced_tables import Table

_TEXT_BYTES = 4096  # by which text is recognised
# Cells that hold nothing: what pandas takes for that. Of a symbol only the empty cell is, since NA is a ticker.
_EMPTY = [
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
]


def read_table(path: str | Path, form: FileFormat, max_rows: int | None = None) -> Table:
    """Reads a CSV (plain, or packed as gzip, bzip2, xz, zstd or zip) or Parquet file of the declared format.

    Args:
        path: the file.
        form: how it is written.
        max_rows: read no more rows of a CSV than these.

    Raises:
        DataError: if the file is missing, unreadable, damaged, not of that format, or holds no rows.
    """
    path = expand_home(path)
    check_file(path)
    _check_kind(path, form)
    try:
        frame = _read_csv(path, form, max_rows) if form.kind == "csv" else _read_parquet(path, form)
    except DataError:
        raise
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty or begins with a blank line: begin with the header line") from None
    except UnicodeError as error:
        why = f"{error.reason} at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error)
        remedy = encoding_remedy(path, form.encoding, f"{form.prefix}_encoding", error)
        found = encoding_of(path, form.encoding)
        raise DataError(f"{path}: cannot be read as csv ({why}, encoding {found}): {remedy}") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        why = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as {form.kind} ({why}): check the file and its format") from error
    if frame.empty:
        raise DataError(f"{path}: holds no rows below its header: give one row a bar")
    return Table(path=path, frame=frame, form=form)


def column_count(path: Path, form: FileFormat) -> int:
    """How many columns a file has, whatever they are called; DataError as `read_table`."""
    if form.kind == "parquet":
        return read_table(path, dataclasses.replace(form, columns=())).frame.shape[1]
    check_file(path)
    _check_kind(path, form)
    try:
        return _first_lines(path, form, encoding_of(path, form.encoding), 1).shape[1]
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as csv ({error})") from None


def _check_kind(path: Path, form: FileFormat) -> None:
    """Refuses Parquet where a CSV is declared, and text where Parquet is."""
    parquet = is_parquet(path)
    if form.kind == "csv" and parquet:
        remedy = "give --data_source=parquet" if form.prefix == "file" else "let its name end in .parquet"
        raise DataError(f"{path}: is a Parquet file: {remedy}")
    if form.kind == "parquet" and not parquet:
        head = head_bytes(path, _TEXT_BYTES)
        if head and is_text(head):
            remedy = "give --data_source=csv" if form.prefix == "file" else "let its name end in .csv"
            raise DataError(f"{path}: cannot be read as parquet (it holds text): {remedy}")


def _read_csv(path: Path, form: FileFormat, max_rows: int | None) -> pd.DataFrame:
    encoding = encoding_of(path, form.encoding)
    names = _csv_names(path, form, encoding)
    # Stamps and symbols stay text: 0050 is no number, and NA is no empty cell.
    stamps = {place for place, name in enumerate(names) if name in _stamp_names(form, names)}
    symbol_names = (form.symbol_column.lower(),) if form.symbol_column else SYMBOL_COLUMNS
    symbols = {place for place, name in enumerate(names) if name in symbol_names or names_symbols(name)}
    empty: dict[Any, Any] = {place: [""] if place in symbols else _EMPTY for place in range(len(names))}
    with warnings.catch_warnings():
        # Rows longer than the header would otherwise lose their last cells with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            # Blank lines are read and then dropped so that the index keeps counting lines of the file.
            with opened(path) as file:
                frame = pd.read_csv(
                    file,
                    sep=form.separator,
                    decimal=form.decimal,
                    thousands=form.thousands or None,
                    encoding=encoding,
                    header=None,
                    names=list(range(len(names))),
                    skiprows=form.leading_lines,
                    nrows=max_rows,
                    dtype=dict.fromkeys(stamps | symbols, "str"),
                    keep_default_na=False,
                    na_values=empty,
                    skip_blank_lines=False,
                    index_col=False,
                    low_memory=False,
                )
        except pd.errors.ParserWarning:
            raise DataError(_too_many_cells(path, form, encoding, len(names))) from None
    frame.columns = pd.Index(names)
    frame.index = pd.RangeIndex(form.leading_lines + 1, len(frame) + form.leading_lines + 1)
    return frame.dropna(how="all")


def _csv_names(path: Path, form: FileFormat, encoding: str) -> list[str]:
    """Names of the columns, declared or found in the header, in lower case."""
    head = _first_lines(path, form, encoding, form.header_lines if form.header else 1)
    if form.header:
        _check_header(path, form, head)
    found = [plain_name(list(head[place])) for place in head.columns]
    declared = [name.strip().lower() for name in form.columns]
    names = declared or (found if form.header else list(HEADERLESS_COLUMNS))
    if len(names) != len(found):
        raise DataError(
            f"{path}, line {form.skip_lines + 1}: has {len(found)} cells, but {len(names)} columns are declared "
            f"({', '.join(names)}): give {form.prefix}_columns or {form.prefix}_delimiter as the file has them"
        )
    return names


def _first_lines(path: Path, form: FileFormat, encoding: str, lines: int) -> pd.DataFrame:
    """The cells of the first lines that are not skipped, as text."""
    with opened(path) as file:
        return pd.read_csv(
            file,
            sep=form.separator,
            encoding=encoding,
            header=None,
            skiprows=form.skip_lines,
            nrows=lines,
            dtype="str",
            keep_default_na=False,
            skip_blank_lines=False,
        ).fillna("")


def _check_header(path: Path, form: FileFormat, head: pd.DataFrame) -> None:
    """Refuses rows in the place of names, which would be lost in silence where the names are declared."""
    rows = [place for place, cells in enumerate(head.to_numpy()) if is_row(list(cells))]
    if not rows:
        return
    header = _header_below(path, form)
    if header:
        remedy = f"line {header} is the header, leave out the lines above it"
    elif rows[0] > 0:
        remedy = f"the header takes --{form.prefix}_header_lines={rows[0]}"
    elif form.columns:
        remedy = f"declare --no{form.prefix}_header"
    else:
        order = ", ".join(HEADERLESS_COLUMNS)
        remedy = f"declare --no{form.prefix}_header, and {form.prefix}_columns unless they are {order}"
    cells = form.separator.join(head.iloc[rows[0]])
    raise DataError(
        f"{path}, line {form.skip_lines + rows[0] + 1}: {cells!r} is a row, but a header that names the columns is "
        f"declared there: {remedy}"
    )


def _header_below(path: Path, form: FileFormat) -> int | None:
    """The 1-based line that names the columns, where it stands below the line that is declared to; else None."""
    text = likely_text(path, form.encoding)[1]
    lines = list(csv.reader(text.splitlines()[form.skip_lines :], delimiter=form.separator))
    found = first_bar(lines)
    return form.skip_lines + found[0] if found and found[1] and found[0] > form.header_lines else None


def _stamp_names(form: FileFormat, names: list[str]) -> tuple[str, ...]:
    declared = tuple(name.lower() for name in form.time_columns)
    return declared or (*STAMP_COLUMNS, "observation_date", *names[:1] * (names[0] == ""))


def _too_many_cells(path: Path, form: FileFormat, encoding: str, columns: int) -> str:
    """Says which line is too long, which pandas does not where it is the first one."""
    with opened(path) as file:
        lines = pd.read_csv(
            file,
            sep="\x00",
            header=None,
            skip_blank_lines=False,
            dtype="str",
            quoting=csv.QUOTE_NONE,
            encoding=encoding,
        )[0]
    counts = lines.fillna("").str.count(re.escape(form.separator)) + 1
    counts[: form.leading_lines] = 0
    line = int(np.argmax(counts > columns))
    return f"{path}: cannot be read as csv (line {line + 1} has {counts[line]} cells, not {columns}): correct it"


def _read_parquet(path: Path, form: FileFormat) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    if isinstance(frame.index, pd.DatetimeIndex | pd.MultiIndex) or frame.index.name:
        frame = frame.reset_index(names=_index_names(frame, form), allow_duplicates=True)
    names = [plain_name(name if isinstance(name, tuple) else (name,)) for name in frame.columns]
    declared = [name.strip().lower() for name in form.columns]
    if declared and len(declared) != len(names):
        raise DataError(
            f"{path}: has {len(names)} columns ({', '.join(names)}), but {len(declared)} are declared "
            f"({', '.join(declared)}): give {form.prefix}_columns as the file has them"
        )
    frame.columns = pd.Index(declared or names)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame


def _index_names(frame: pd.DataFrame, form: FileFormat) -> list[str]:
    """Names for the levels of a frame's index: a level of stamps is the stamp column, unless another one is."""
    columns = {plain_name(name if isinstance(name, tuple) else (name,)) for name in frame.columns}
    names = []
    for level in range(frame.index.nlevels):
        values = frame.index.get_level_values(level)
        name = str(values.name or "")
        is_stamp = isinstance(values, pd.DatetimeIndex)
        known = plain_name((name,)) in (*STAMP_COLUMNS, *(column.lower() for column in form.time_columns))
        if is_stamp and not known and not columns & set(STAMP_COLUMNS):
            name = "datetime"
        names.append(name or ("symbol" if frame.index.nlevels > 1 else "index"))
    return names
