"""What is declared: pyproject.toml and requirements.txt agree, and nothing is imported that a wheel would not bring."""

from __future__ import annotations

import ast
import importlib.metadata
import itertools
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ELSEWHERE = ("sb3", "cuda")  # extras that no test or command of the repository needs


def parsed(lines: Sequence[str]) -> dict[str, Requirement]:
    """Requirements by normalized name; other extras of the project itself are left out."""
    found = (Requirement(line) for line in lines)
    return {normalized(each.name): each for each in found if normalized(each.name) != "momentum-jax"}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def in_requirements() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return parsed([line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()])


def test_requirements_txt_is_the_dependencies_and_the_extras():
    declared = parsed(PROJECT["dependencies"])
    for name, lines in EXTRAS.items():
        declared |= parsed(lines) if name not in ELSEWHERE else {}
    assert {name: str(each.specifier) for name, each in in_requirements().items()} == {
        name: str(each.specifier) for name, each in declared.items()
    }


def test_a_wheel_has_run_time_requirements_only():
    names = set(parsed(PROJECT["dependencies"]))
    # The accelerator's extra names JAX again, with its own extra.
    optional = set().union(*(parsed(lines) for name, lines in EXTRAS.items() if name != "cuda"))
    assert not names & optional
    assert optional >= {"pytest", "hypothesis", "ruff", "mypy", "yfinance", "massive", "alpaca-py", "tensorboardx"}


@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *itertools.chain(*EXTRAS.values())])
def test_every_bound_is_closed(requirement):
    found = Requirement(requirement)
    if found.name not in ("momentum_jax", "tzdata"):  # tzdata is data: its newest is wanted
        assert any(each.operator in ("<", "<=", "==", "~=") for each in found.specifier), requirement


def imported(folder: str) -> Iterator[tuple[str, str]]:
    """(module, file) of every third-party top-level module that a folder's files import anywhere."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        roots = {name.split(".")[0] for name in _absolute_names(ast.parse(path.read_text(encoding="utf-8")))}
        for root in sorted(roots - sys.stdlib_module_names - {"momentum_jax", "experiments"}):
            yield root, str(path.relative_to(ROOT))


def _absolute_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


@pytest.mark.parametrize("folder", ["momentum_jax", "experiments"])
def test_everything_that_is_imported_is_declared(folder):
    distributions = importlib.metadata.packages_distributions()
    declared = set(parsed(PROJECT["dependencies"]))
    for extra in ("massive", "alpaca", "yfinance", "tensorboard"):
        declared |= set(parsed(EXTRAS[extra]))
    # Clients' own dependencies, imported for their exceptions beside them.
    declared |= {"requests", "urllib3"}
    for module, file in imported(folder):
        found = {normalized(name) for name in distributions.get(module, [module])}
        assert found & declared, f"{file} imports {module}, which no requirement brings"


def test_experiments_import_each_other_as_parts_of_their_package():
    """By relative imports: the wheel has them under another name."""
    for path in (ROOT / "experiments").rglob("*.py"):
        assert not re.search(
            r"^\s*(from|import) experiments\b", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        ), path
