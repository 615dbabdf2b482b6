"""The table of mutations: one TOML file a subject, beside this module."""

from __future__ import annotations

import ast
import dataclasses
import tomllib
from pathlib import Path


class TableError(Exception):
    """A row that cannot be used; the message says which, and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutation:
    """One change of the source, and the tests that each have to fail under it."""

    name: str  # what is broken, in words
    file: str  # from the project's root
    old: str  # occurs exactly once in the file
    new: str
    tests: tuple[str, ...]  # pytest node ids; a test without its parameters fails if one of its cases does

    def mutated(self, root: Path) -> str:
        """The file's text with the change.

        Raises:
          TableError: `old` does not occur exactly once, or `new` is no change.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.count(self.old) != 1 or self.old == self.new:
            raise TableError(
                f"{self.name}: {self.old!r} occurs {text.count(self.old)} times in {self.file}, expected once "
                "and another text in its place: bring the table up to date with the code"
            )
        return text.replace(self.old, self.new)

    def check(self, root: Path) -> None:
        """Raises TableError if the change cannot be made, or a named test is not there."""
        self.mutated(root)
        for test in self.tests:
            file, _, name = test.partition("::")
            if name.partition("[")[0] not in _functions(root / file):
                raise TableError(f"{self.name}: there is no test {test}: name one that fails under the mutation")


def load(folder: Path) -> list[Mutation]:
    """All mutations of a folder's TOML files, in the order of file names.

    Raises:
      TableError: a row has not the fields of `Mutation`, or names no test.
    """
    mutations = []
    for path in sorted(folder.glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["mutation"]:
            if row.keys() != set(Mutation.__dataclass_fields__) or not row["tests"]:
                raise TableError(
                    f"{path.name}: {row.get('name', row)} needs name, file, old, new and at least one test"
                )
            mutations.append(Mutation(**{**row, "tests": tuple(row["tests"])}))
    return mutations


def _functions(path: Path) -> set[str]:
    """Names of a module's functions."""
    if not path.is_file():
        return set()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {statement.name for statement in body if isinstance(statement, ast.FunctionDef)}
