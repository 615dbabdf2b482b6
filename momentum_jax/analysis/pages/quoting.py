"""The numbers of a table that prose may quote."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from momentum_jax.analysis.report.formatting import format_ranges, format_steps, triples

_VERDICTS = ("claim_verdict",)
_LAST_STEP = "last_step"

Quotable = dict[str, dict[str, str]]
"""Text by column and row."""


def quotable(table: pd.DataFrame, keys: Sequence[str]) -> Quotable:
    """Numbers with their intervals, ``36.8 [35.9, 37.7]``, verdicts and last steps, by column and row.

    A number whose row has a flag is followed by it. A row's name is its key columns joined by dashes. The last of them
    alone will do, and so will all but the last; where that repeats it names the first such row: ``mine``,
    ``calm-mine``.

    Args:
        table: not empty.
        keys: columns that name a row.
    """
    columns = {name: [str(text) for text in table[name]] for name in _VERDICTS if name in table}
    if _LAST_STEP in table:
        columns[_LAST_STEP] = [format_steps(step) for step in table[_LAST_STEP]]
    flags = [f" ({flag})" if flag else "" for flag in table.get("flag", [""] * len(table))]
    for name, low, high in triples(table):
        ranges = format_ranges(table[name], table[low], table[high])
        columns[name] = [text + flag for text, flag in zip(ranges, flags, strict=True)]
    return {name: _by_row(table, keys, texts) for name, texts in columns.items()}


def _by_row(table: pd.DataFrame, keys: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row, text in zip(table.to_dict("records"), texts, strict=True):
        parts = [str(row[key]) for key in keys]
        found["-".join(parts)] = text
        for short in (parts[-1], "-".join(parts[:-1])):
            found.setdefault(short, text)
    return found
