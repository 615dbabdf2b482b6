"""What to declare for a VIX file that was refused: declarations that are known to read it."""

import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.columns import STAMP_COLUMNS
from momentum_jax.market.files.day_order import either, other_reading
from momentum_jax.market.files.encodings import likely_text
from momentum_jax.market.files.file_contents import expand_home, is_file
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.layouts import LAYOUTS
from momentum_jax.market.files.readers import column_count, read_table
from momentum_jax.market.files.suggestions import declared_flags
from momentum_jax.market.files.time_forms import time_forms
from momentum_jax.market.vix.vix_file import read_vix

_CLOSE = ("close", "last", "price", "value", "vix", "schluss", "schlusskurs", "cierre", "clôture")
_SAMPLE = 40


def vix_suggestion(path: str | Path, form: FileFormat) -> str:
    """The end of an error message that says how the file can be read; empty where nothing was found."""
    path = expand_home(path)
    if not is_file(path):
        return ""
    for text, candidate in itertools.chain(_layouts(form), _guesses(path, form)):
        if _reads(path, candidate):
            other = other_reading(candidate.time_format)
            both = other and _reads(path, dataclasses.replace(candidate, time_format=other))
            return text + either(form.prefix, candidate.time_format) if both else text
    return ""


def _reads(path: Path, form: FileFormat) -> bool:
    try:
        read_vix(path, form)
    except DataError:
        return False
    return True


def _layouts(form: FileFormat) -> Iterator[tuple[str, FileFormat]]:
    for name, layout in LAYOUTS.items():
        declarations = dict(layout.declarations)
        yield (
            f"; it looks like {name}: use --vix_layout={name}",
            FileFormat(kind=form.kind, prefix=form.prefix, **declarations),
        )


def _guesses(path: Path, form: FileFormat) -> Iterator[tuple[str, FileFormat]]:
    cells = itertools.product((form.delimiter, ";", "tab", ","), (form.decimal, ","), (True, False))
    encoding = _encoding(path, form)
    for delimiter, decimal, header in cells if form.kind == "csv" else [(form.delimiter, form.decimal, form.header)]:
        plain = dataclasses.replace(form, delimiter=delimiter, decimal=decimal, header=header, encoding=encoding)
        for guess in _column_guesses(path, plain):
            flags = declared_flags(guess, form)
            if flags:
                yield f"; it can be read with {flags}", guess


def _column_guesses(path: Path, form: FileFormat) -> Iterator[FileFormat]:
    """Formats that name a column of dates and one of closes, whatever their names in the file are."""
    count = _width(path, form)
    numbered = tuple(f"column_{place + 1}" for place in range(count))
    try:
        found = list(
            read_table(path, form if form.header else dataclasses.replace(form, columns=numbered)).frame.columns
        )
        frame = read_table(path, dataclasses.replace(form, columns=numbered)).frame.iloc[:_SAMPLE]
    except DataError:
        return
    if form.header and any(re.fullmatch(r"[\d.,/: -]+", name) for name in found):
        return  # the first row, not a header
    closes = [place for place, name in enumerate(found) if re.sub(r"\W", "", name) in _CLOSE]
    if not closes and count == 2:
        closes = [0, 1]
    for place in range(min(count, 3)):
        texts = [str(cell).strip() for cell in frame.iloc[:, place]]
        for time_format in ("iso", *time_forms(texts, needs_time=False), *time_forms(texts)):
            for close in closes:
                names = [re.sub(r"[^\w ]+", "_", name) or numbered[at] for at, name in enumerate(found)]
                names = [f"other_{name}" if name in (*STAMP_COLUMNS, "close") else name for name in names]
                names[close], names[place] = "close", "date"
                columns = () if names == found else tuple(names)
                yield dataclasses.replace(form, columns=columns, time_format=time_format)


def _encoding(path: Path, form: FileFormat) -> str:
    try:
        return likely_text(path, form.encoding)[0] if form.kind == "csv" else form.encoding
    except DataError:
        return form.encoding


def _width(path: Path, form: FileFormat) -> int:
    try:
        return column_count(path, form)
    except DataError:
        return 0
