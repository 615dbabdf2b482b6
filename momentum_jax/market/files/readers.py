"""CSV and Parquet files, read into tables as their format declares."""

import csv
import os
import re
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.columns import STAMP_COLUMNS, SYMBOL_COLUMNS, plain_name
from momentum_jax.market.files.encodings import encoding_of
from momentum_jax.market.files.formats import HEADERLESS_COLUMNS, FileFormat
from momentum_jax.market.files.traced_tables import Table

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
    """Reads a CSV (plain, gzipped or zipped) or Parquet file of the declared format.

    Args:
        path: the file.
        form: how it is written.
        max_rows: read no more rows of a CSV than these.

    Raises:
        DataError: if the file is missing, unreadable, not of that format, or holds no rows.
    """
    path = Path(os.path.expanduser(path))
    if path.is_dir():
        raise DataError(f"{path}: is a folder: name one file in it")
    if not path.is_file():
        raise DataError(f"{path}: no such file: check the path")
    try:
        frame = _read_csv(path, form, max_rows) if form.kind == "csv" else _read_parquet(path, form)
    except DataError:
        raise
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty or begins with a blank line: begin with the header line") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: cannot be read as csv ({error.reason} at byte {error.start}, encoding {error.encoding}): "
            f"declare its own, e.g. --{form.prefix}_encoding=cp1252"
        ) from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        why = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as {form.kind} ({why}): check the file and its format") from error
    if frame.empty:
        raise DataError(f"{path}: holds no rows below its header: give one row a bar")
    return Table(path=path, frame=frame, form=form)


def _read_csv(path: Path, form: FileFormat, max_rows: int | None) -> pd.DataFrame:
    encoding = encoding_of(path, form.encoding)
    names = _csv_names(path, form, encoding)
    # Stamps and symbols stay text: 0050 is no number, and NA is no empty cell.
    stamps = {place for place, name in enumerate(names) if name in _stamp_names(form, names)}
    symbol_names = (form.symbol_column.lower(),) if form.symbol_column else SYMBOL_COLUMNS
    symbols = {place for place, name in enumerate(names) if name in symbol_names}
    empty: dict[Any, Any] = {place: [""] if place in symbols else _EMPTY for place in range(len(names))}
    with warnings.catch_warnings():
        # Rows longer than the header would otherwise lose their last cells with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            # Blank lines are read and then dropped so that the index keeps counting lines of the file.
            frame = pd.read_csv(
                path,
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
    lines = form.header_lines if form.header else 1
    head = pd.read_csv(
        path,
        sep=form.separator,
        encoding=encoding,
        header=None,
        skiprows=form.skip_lines,
        nrows=lines,
        dtype="str",
        keep_default_na=False,
        skip_blank_lines=False,
    )
    found = [plain_name(list(head[place].fillna(""))) for place in head.columns]
    declared = [name.strip().lower() for name in form.columns]
    names = declared or (found if form.header else list(HEADERLESS_COLUMNS))
    if len(names) != len(found):
        raise DataError(
            f"{path}, line {form.skip_lines + 1}: has {len(found)} cells, but {len(names)} columns are declared "
            f"({', '.join(names)}): give {form.prefix}_columns or {form.prefix}_delimiter as the file has them"
        )
    return names


def _stamp_names(form: FileFormat, names: list[str]) -> tuple[str, ...]:
    declared = tuple(name.lower() for name in form.time_columns)
    return declared or (*STAMP_COLUMNS, "observation_date", *names[:1] * (names[0] == ""))


def _too_many_cells(path: Path, form: FileFormat, encoding: str, columns: int) -> str:
    """Says which line is too long, which pandas does not where it is the first one."""
    lines = pd.read_csv(
        path, sep="\x00", header=None, skip_blank_lines=False, dtype="str", quoting=csv.QUOTE_NONE, encoding=encoding
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
