"""A report as a list of blocks, written as Markdown or as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from momentum_jax.analysis.report.formatting import markdown_table, table_cells


@dataclass(frozen=True)
class Text:
    """A paragraph; ``**bold**`` and ``*emphasis*`` are understood."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of lines, marked up like `Text`."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table, with a heading of its own where it has a title."""

    frame: pd.DataFrame
    title: str = ""


@dataclass(frozen=True)
class Image:
    """A figure in the report's folder, ``figures/<name>.png`` and ``.svg``."""

    name: str
    caption: str


Block = Text | Bullets | Table | Image


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; `folded` sections are closed at first in HTML."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    folded: bool = False


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The document as Markdown."""
    parts = [f"# {title}\n"]
    for section in sections:
        parts.append(f"## {section.title}\n")
        parts += [_block_markdown(block) for block in section.blocks]
    return "\n".join(parts)


def _block_markdown(block: Block) -> str:
    match block:
        case Text():
            return f"{block.text}\n"
        case Bullets():
            return "\n".join(f"- {line}" for line in block.lines) + "\n"
        case Table():
            return (f"### {block.title}\n\n" if block.title else "") + markdown_table(block.frame)
        case Image():
            path = f"figures/{block.name}"
            return f"![{block.caption}]({path}.png)\n\n*{block.caption}* ([SVG]({path}.svg))\n"


def to_html(sections: Sequence[Section], image_source: Callable[[str], str]) -> str:
    """The sections as HTML, without a page around them.

    Args:
        sections: what to write.
        image_source: the address of a figure by its name, a data URI for a page of one file.
    """
    return "\n".join(_section_html(section, image_source) for section in sections)


def _section_html(section: Section, image_source: Callable[[str], str]) -> str:
    body = "\n".join(_block_html(block, image_source) for block in section.blocks)
    if section.folded:
        return f"<details><summary><h2>{_inline(section.title)}</h2></summary>\n{body}\n</details>"
    return f"<section>\n<h2>{_inline(section.title)}</h2>\n{body}\n</section>"


def _block_html(block: Block, image_source: Callable[[str], str]) -> str:
    match block:
        case Text():
            return f"<p>{_inline(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{_inline(line)}</li>" for line in block.lines) + "</ul>"
        case Table():
            return (f"<h3>{_inline(block.title)}</h3>" if block.title else "") + _table_html(block.frame)
        case Image():
            caption = _inline(block.caption)
            source = html.escape(image_source(block.name), quote=True)
            image = f'<img src="{source}" alt="{caption}" loading="lazy">'
            # Narrow screens scroll a figure sideways instead of shrinking its text.
            frame = f'<div class="wide" tabindex="0" role="group" aria-label="figure">{image}</div>'
            return f"<figure>{frame}<figcaption>{caption}</figcaption></figure>"


def _table_html(frame: pd.DataFrame) -> str:
    header, *rows = table_cells(frame)
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    # A wide table scrolls by itself, so that a phone's page does not; tabindex lets the keyboard scroll it.
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _inline(text: str) -> str:
    escaped = html.escape(text)
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escaped)
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", bold)
