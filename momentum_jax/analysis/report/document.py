"""A report as a list of sections with blocks, which templates write as Markdown and as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import pandas as pd


@dataclass(frozen=True)
class Text:
    """A paragraph; ``**bold**`` and ``*emphasis*`` are understood, and `literal` keeps a name from being either."""

    kind: ClassVar = "text"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of lines, marked up like `Text`."""

    kind: ClassVar = "bullets"
    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table, with a heading of its own where it has a title; neither is marked up."""

    kind: ClassVar = "table"
    frame: pd.DataFrame
    title: str = ""


@dataclass(frozen=True)
class Image:
    """A figure in the report's folder, ``figures/<name>.png`` and ``.svg``; the caption is not marked up."""

    kind: ClassVar = "image"
    name: str
    caption: str


Block = Text | Bullets | Table | Image


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; `folded` sections are closed at first in HTML."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    folded: bool = False


class Span(NamedTuple):
    """A stretch of a text in one style."""

    style: str  # plain, strong or emphasis
    text: str


_SPAN = re.compile(
    r"\*\*(?P<strong>(?:\\.|[^*\\])+)\*\*|\*(?P<emphasis>(?:\\.|[^*\\])+)\*|(?P<plain>(?:\\.|[^*\\])+|.)", re.DOTALL
)
_ESCAPED = re.compile(r"\\([*\\])")


def literal(name: object) -> str:
    """A name as part of a `Text` or of `Bullets`: its own asterisks and backslashes stay what they are."""
    return re.sub(r"[*\\]", r"\\\g<0>", str(name))


def spans(text: str) -> list[Span]:
    """The text in stretches of one style, without the marks."""
    named = ((match.lastgroup or "plain", match) for match in _SPAN.finditer(text))
    return [Span(style, _ESCAPED.sub(r"\1", match[style])) for style, match in named]
