"""Sizes of the source: the longest functions, the deepest nesting, the longest files.

    python -m benchmarks.house [--rows=5]

`tests/project/test_architecture.py` holds all of it to the limits below.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from absl import app, flags

_ROWS = flags.DEFINE_integer("rows", 5, "largest of each kind to print")

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("momentum_jax", "experiments", "benchmarks", "tests")
MOST_FUNCTION_LINES = 60
MOST_NESTING = 3
MOST_FILE_LINES = 300

_BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Size(NamedTuple):
    """One measured size and what has it."""

    number: int
    place: str


class Sizes(NamedTuple):
    """Sizes of a folder, the largest first."""

    function_lines: list[Size]
    nesting: list[Size]
    file_lines: list[Size]


def sizes(folder: str, root: Path = ROOT) -> Sizes:
    """Lines of every function (with its decorators and docstring), its nesting, and lines of every file.

    Nesting counts loops, conditions, `with`, `try` and `match` around a statement of the same function; a chain of
    `elif` is one level.
    """
    functions, nesting, files = [], [], []
    for path in sorted((root / folder).rglob("*.py")):
        text, place = path.read_text(encoding="utf-8"), str(path.relative_to(root))
        files.append(Size(len(text.splitlines()), place))
        for node in _functions(ast.parse(text)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            functions.append(Size((node.end_lineno or first) - first + 1, f"{place}: {node.name}"))
            nesting.append(Size(_depth(node), f"{place}: {node.name}"))
    return Sizes(*(sorted(each, reverse=True) for each in (functions, nesting, files)))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _depth(node: ast.AST) -> int:
    """Blocks around the innermost statement below `node`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            continued = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
            deepest = max(deepest, _depth(child) + (isinstance(child, _BLOCKS) and not continued))
    return deepest


def main(argv: list[str]) -> None:
    del argv
    limits = {"lines of a function": MOST_FUNCTION_LINES, "nesting": MOST_NESTING, "lines of a file": MOST_FILE_LINES}
    for folder in FOLDERS:
        print(f"\n{folder}/")
        for (kind, limit), measured in zip(limits.items(), sizes(folder), strict=True):
            print(f"  {kind}, at most {limit}")
            print("".join(f"    {size.number:4d}  {size.place}\n" for size in measured[: _ROWS.value]), end="")


if __name__ == "__main__":
    app.run(main)
