"""What a person's own Python file is made of: hashes of its content and of what it imports from beside it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

_THIS_PROGRAM = __name__.split(".")[0]


def source_hashes(file: Path, root: Path | None = None) -> dict[str, str]:
    """SHA-256, in hex, by the path from `root`.

    Import statements are read and nothing is run: what a function imports when it is called counts too, whatever
    another file has imported before. This program's own modules do not count, nor those that are imported by a
    computed name.

    Args:
      file: the file.
      root: the folder that its imports are looked up in; the file's own by default.

    Raises:
      OSError: a file cannot be read.
    """
    root = root or file.parent
    found: dict[str, str] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(root).as_posix()
        if name not in found:
            content = path.read_bytes()
            found[name] = hashlib.sha256(content).hexdigest()
            waiting += [*_packages(path, root), *_imported(content, path, root)]
    return dict(sorted(found.items()))


def _packages(path: Path, root: Path) -> Iterator[Path]:
    """The `__init__.py` files below `root` that run before the module of a file."""
    for folder in path.parents:
        if folder == root:
            return
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"


def _imported(content: bytes, path: Path, root: Path) -> Iterator[Path]:
    """The files below `root` that a file's import statements run."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # a module that is tried and left
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            folder = path.parents[min(node.level, len(path.parents)) - 1] if node.level else root
            if not folder.is_relative_to(root):
                continue
            module = node.module.split(".") if node.module else []
            for alias in node.names:
                yield from _files(folder, [*module, alias.name])


def _files(folder: Path, names: list[str]) -> Iterator[Path]:
    """The files that importing `a.b.c` from a folder runs, of those that are there: of `a`, of `a.b`, of `a.b.c`."""
    if names[0] == _THIS_PROGRAM:
        return
    packages = [folder.joinpath(*names[:depth]) for depth in range(len(names))]
    candidates = [place / "__init__.py" for place in [*packages[1:], folder.joinpath(*names)]]
    candidates += [place / f"{name}.py" for place, name in zip(packages, names, strict=True)]
    yield from (candidate for candidate in candidates if candidate.is_file())
