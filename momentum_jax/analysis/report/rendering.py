"""A report's templates: Markdown and HTML, in which no name of a run can be markup."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import jinja2
import pandas as pd

from momentum_jax.analysis.report.document import Section, spans
from momentum_jax.analysis.report.formatting import text_table

# What begins markup in the middle of a line: emphasis, code, an escape, a tag, an entity, a link's address.
_MARKUP = re.compile(r"[*`~\\]|(?<![A-Za-z0-9])_(?=\S)|<(?=[A-Za-z/!?])|&(?=[A-Za-z#])|(?<=\])\(")


@functools.cache
def environment() -> jinja2.Environment:
    """Templates of ``templates/``; what they fill in is escaped in ``.html.j2``."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("momentum_jax.analysis.report"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"spans": spans, "text_table": text_table, "plain": plain, "plain_cell": plain_cell}
    found.globals["asset"] = asset
    found.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return found


def render(template: str, **values: Any) -> str:
    """A template filled in."""
    return environment().get_template(template).render(values)


def asset(name: str) -> str:
    """A style or script beside the templates, as it stands."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]


def plain(text: str) -> str:
    """A text in Markdown as it stands, on one line: what would be markup has a backslash before it."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split("\n")))


def plain_cell(text: str) -> str:
    """`plain` inside a table, where a bar would begin a new cell."""
    return plain(text).replace("|", "\\|")


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The document as Markdown."""
    return render("report.md.j2", title=title, sections=sections).rstrip("\n") + "\n"


def markdown_table(table: pd.DataFrame) -> str:
    """A table as Markdown, otherwise like `format_table`."""
    return str(environment().get_template("blocks.md.j2").module.table(table))  # type: ignore[attr-defined]
