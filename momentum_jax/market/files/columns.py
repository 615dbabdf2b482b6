"""Which column of a table means what: names, levels of names, and the columns of one symbol."""

import re
from collections.abc import Sequence

STAMP_COLUMNS = ("datetime", "timestamp", "date", "time")
SYMBOL_COLUMNS = ("symbol", "ticker")
FIELDS = ("open", "high", "low", "close", "volume")
_UNNAMED = r"|nan|unnamed: \d+(?:_level_\d+)?"  # what pandas calls a column that has no name
_FIELD = "|".join(FIELDS)
_WIDE = re.compile(rf"(?P<before>.+?)[\s_.:|/,-](?P<last>{_FIELD})|(?P<first>{_FIELD})[\s_.:|/,-](?P<after>.+)")


def plain_name(levels: Sequence[object]) -> str:
    """A column's name in lower case; of several levels the one that says stamp or symbol, or all joined by |.

    A column without a name is called "".
    """
    parts = [part for level in levels for part in _parts(str(level))]
    parts = [part for part in parts if not re.fullmatch(_UNNAMED, part)]
    known = [part for part in parts if part in (*STAMP_COLUMNS, *SYMBOL_COLUMNS)]
    if len(parts) > 1 and known:
        return known[-1]
    return "|".join(parts)


def _parts(name: str) -> list[str]:
    """The name without the brackets that <DATE> has, or its parts where pandas wrote a tuple as text."""
    name = name.strip().strip("<>").lower()
    if name.startswith("(") and name.endswith(")") and "'" in name:
        return re.findall(r"'([^']*)'", name)
    return [name]


def wide_columns(names: Sequence[str], wanted: Sequence[str] = FIELDS[:4]) -> dict[str, dict[str, str]]:
    """Columns by symbol (upper case) and field, where each name holds both, as SPY_close or close|spy.

    Only symbols that have all wanted fields count.
    """
    found: dict[str, dict[str, str]] = {}
    for name in names:
        match = _WIDE.fullmatch(name)
        if match:
            symbol, field = match["before"] or match["after"], match["last"] or match["first"]
            found.setdefault(symbol.upper(), {})[field] = name
    return {symbol: fields for symbol, fields in found.items() if set(wanted) <= set(fields)}
