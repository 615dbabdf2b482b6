"""The mutations fit the code as it stands, and the command that applies them tells the killed from the survivors."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutants import sandbox, table


@pytest.mark.parametrize("mutation", table.load(ROOT / "tests" / "mutants"), ids=lambda mutation: mutation.name)
def test_every_mutation_can_be_applied_and_its_tests_are_there(mutation):
    mutation.check(ROOT)


def test_the_core_is_covered():
    mutations = table.load(ROOT / "tests" / "mutants")
    assert len(mutations) >= 40
    assert len({mutation.name for mutation in mutations}) == len(mutations)


ROW = """
[[mutation]]
name = "{name}"
file = "momentum_jax/double.py"
old = "{old}"
new = "{new}"
tests = ["tests/test_double.py::{test}"]
"""


def project(folder: Path, *rows: tuple[str, str, str, str]) -> Path:
    """A project of one function and its tests; rows are (name, old, new, test)."""
    (folder / "momentum_jax").mkdir()
    (folder / "momentum_jax" / "double.py").write_text("def double(x):\n    return 2 * x\n")
    (folder / "tests" / "mutants").mkdir(parents=True)
    (folder / "tests" / "test_double.py").write_text(
        "import pytest\n"
        "from momentum_jax.double import double\n\n\n"
        "@pytest.mark.parametrize('x', [0, 1, 2])\n"
        "def test_double(x):\n    assert double(x) == x + x\n\n\n"
        "def test_zero():\n    assert double(0) == 0\n\n\n"
        "@pytest.mark.skip\n"
        "def test_skipped():\n    assert double(1) == 2\n"
    )
    fields = ("name", "old", "new", "test")
    text = "".join(ROW.format(**dict(zip(fields, row, strict=True))) for row in rows)
    (folder / "tests" / "mutants" / "double.toml").write_text(text)
    return folder


def mutants(root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.mutants", f"--root={root}", "--jobs=2", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_killed_and_survived_are_told_apart_and_the_project_stays_as_it_is(tmp_path):
    root = project(
        tmp_path,
        ("three", "2 * x", "3 * x", "test_double"),
        ("zero", "2 * x", "3 * x", "test_zero"),
        ("syntax", "2 * x", "2 *", "test_double"),  # what cannot be imported kills nothing
        ("skip", "2 * x", "3 * x", "test_skipped"),
    )
    result = mutants(root)
    lines = result.stdout.splitlines()
    assert result.returncode == 1
    assert lines[0] == "FAILS UNMUTATED  tests/test_double.py::test_skipped"
    verdicts = sorted(line.partition(" [")[0] for line in lines[1:-1])
    survivors = [f"SURVIVED  momentum_jax/double.py: {name}" for name in ("skip", "syntax", "zero")]
    assert verdicts == [*survivors, "killed    momentum_jax/double.py: three"]
    assert lines[-1].startswith("1 killed, 3 survived of 4 mutations; 0 not run")
    assert "2 * x" in (root / "momentum_jax" / "double.py").read_text()
    only = mutants(root, "--only=three")
    assert only.returncode == 0
    assert only.stdout.splitlines()[-1].startswith("1 killed, 0 survived of 1")


def test_nothing_is_started_after_the_deadline():
    task = sandbox.Task(label=None, tests=("tests/project/test_mutants.py",), change=lambda copy: None)
    assert list(sandbox.run(ROOT, [task], jobs=1, deadline=time.monotonic() - 1)) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("twice", "x", "y", "test_double"), "occurs 2 times in momentum_jax/double.py, expected once"),
        (("absent", "4 * x", "y", "test_double"), "occurs 0 times"),
        (("same", "2 * x", "2 * x", "test_double"), "another text"),
        (("unknown", "2 * x", "3 * x", "test_triple"), "no test tests/test_double.py::test_triple"),
    ],
)
def test_a_row_that_does_not_fit_the_code_ends_with_2(tmp_path, row, message):
    result = mutants(project(tmp_path, row))
    assert result.returncode == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
