"""Benchmarks define their flags when they are imported; those that tests import must fit into one process."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.conftest import ROOT


def is_module(name: str) -> bool:
    return (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()


def imported_benchmarks() -> set[str]:
    """Modules of benchmarks/ that any test imports, wherever it does."""
    modules = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "benchmarks":
                named = {f"{node.module}.{one.name}" for one in node.names}
                modules |= {name for name in named if is_module(name)} or {str(node.module)}
    return modules


def test_all_that_tests_import_can_be_imported_together():
    modules = imported_benchmarks()
    assert {"benchmarks.coverage", "benchmarks.coverage_curves", "benchmarks.prediction_power"} <= modules
    lines = "\n".join(f"import {name}" for name in sorted(modules))
    ended = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
