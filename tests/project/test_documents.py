"""The documents: every file and module that a page names is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from momentum_jax.config import experiment_file
from tests.conftest import ROOT
from tests.project import extending_page

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs" / "studies" / "README.md"]
FILE = re.compile(r"(?<![\w/.<…-])((?:[\w.]+/)*\w+\.(?:py|md))(?![\w/])")
MODULE = re.compile(r"(?<![\w/.])((?:momentum_jax|benchmarks|tests)(?:\.\w+)+)")
# What a reader names or a program writes.
OWN = {"mine.py", "README.md", "report.md", "X.md", "X.template.md"}
EXTENDING = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
OWN |= {Path(block.name).name for section in extending_page.sections(EXTENDING).values() for block in section.files}
# Folders that a page may leave out in front of a file's name.
FOLDERS = ("", "momentum_jax", "momentum_jax/analysis", "momentum_jax/diagnostics", "docs", "experiments/early_dip")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path):
    text = re.sub(r"https?://\S+", "", page.read_text(encoding="utf-8"))
    for name in FILE.findall(text):
        places = [*(ROOT / folder / name for folder in FOLDERS), page.parent / name]
        known = any(place.exists() for place in places) or Path(name).name in OWN
        assert known, f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_a_page_names_is_there(page: Path):
    for name in MODULE.findall(page.read_text(encoding="utf-8")):
        assert exists(name), f"{page.name} names {name}"


def exists(name: str) -> bool:
    """Whether a module is there, or a module that has the last part of the name."""
    experiment_file.shipped()  # `momentum_jax.experiments` lies beside the package here
    package, _, last = name.rpartition(".")
    try:
        if importlib.util.find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    return hasattr(importlib.import_module(package), last)
