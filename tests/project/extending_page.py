"""`docs/extending.md` taken apart: sections, files, changes to the package, commands, and how many lines each takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the file that it names, its text."""

    language: str
    name: str
    text: str


class Section(NamedTuple):
    """What one section tells the reader to do."""

    title: str
    blocks: list[Block]

    @property
    def files(self) -> list[Block]:
        """Whole files, which the reader writes."""
        return [block for block in self.blocks if block.name and block.language != "diff"]

    @property
    def changes(self) -> list[Block]:
        """Changes to files of the package."""
        return [block for block in self.blocks if block.language == "diff"]

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command."""
        text = "".join(block.text for block in self.blocks if block.language == "sh")
        return [shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines() if line.strip()]

    @property
    def cost(self) -> tuple[int, int]:
        """Files that are written or changed, and lines in them that are neither empty nor there already."""
        added = [line for block in self.files for line in block.text.splitlines() if line.strip()]
        added += [line for block in self.changes for line in block.text.splitlines() if line.startswith("+")]
        return len({block.name for block in (*self.files, *self.changes)}), len(added)


def sections(page: str) -> dict[str, Section]:
    """The sections of a page by their titles."""
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)[1:]
    titles, texts = parts[::2], parts[1::2]
    return {
        title: Section(title, [Block(*found) for found in _BLOCK.findall(text)])
        for title, text in zip(titles, texts, strict=True)
    }


def write_files(section: Section, folder: Path) -> None:
    """Put the section's own files into a folder."""
    for block in section.files:
        path = folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")


def apply_changes(section: Section, root: Path) -> None:
    """Make the section's changes in a copy of the project.

    Raises:
      ValueError: the lines around a change are not in the file exactly once.
    """
    for block in section.changes:
        path = root / block.name
        old, new = ("".join(_side(block.text, signs)) for signs in (" -", " +"))
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{block.name} has these lines {text.count(old)} times, expected once:\n{old}")
        path.write_text(text.replace(old, new), encoding="utf-8")


def _side(change: str, signs: str) -> Iterator[str]:
    for line in change.splitlines(keepends=True):
        if line[0] in signs:
            yield line[1:]
