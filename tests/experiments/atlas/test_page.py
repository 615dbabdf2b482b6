"""The atlas's page on its own condensed data: quick tables as they were written, the whole page to the same bytes."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from experiments.atlas import page
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.page_templates import SUFFIX
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.cli import study_command
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "studies" / "atlas"
MARKET = "gymnax"


def assert_as_written(text: str, path: Path) -> None:
    """The same table but for the last digits, which follow the version of NumPy."""
    tables = (pd.read_csv(source) for source in (io.StringIO(text), path))
    pd.testing.assert_frame_equal(*tables, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["settings", "runs"])
def test_a_table_is_as_it_was_written(name):
    table = load_study_page("atlas").table(name, Market(PAGE / "data" / MARKET))
    assert_as_written(table.to_csv(index=False), PAGE / "tables" / MARKET / f"{name}.csv")


@pytest.mark.slow
def test_the_page_is_remade_to_the_same_bytes(tmp_path):
    copy = shutil.copytree(PAGE, tmp_path / "page")
    for folder in ("tables", "figures"):
        shutil.rmtree(copy / folder)
    assert study_command.main([str(copy)]) == 0
    made = sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file())
    assert made == sorted(path.relative_to(PAGE) for path in PAGE.rglob("*") if path.is_file())
    for path in (path for path in made if path.suffix == ".csv"):
        assert_as_written((copy / path).read_text(), PAGE / path)
    for path in (path for path in made if path.suffix == ".md"):
        assert (copy / path).read_bytes() == (PAGE / path).read_bytes(), path


def test_every_table_and_figure_is_on_the_page():
    prose = (ROOT / "experiments" / "atlas" / f"README{SUFFIX}").read_text()
    csv_alone = set(re.findall(r"`tables/[\w<>/]+/(\w+)\.csv`", prose))
    for kind, names in (("table", page.TABLES), ("figure", page.FIGURES)):
        used = set(re.findall(rf"\b{kind}\(\"(\w+)\"\)", prose))
        assert used | csv_alone.intersection(names) == set(names)
