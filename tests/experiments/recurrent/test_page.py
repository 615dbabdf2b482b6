"""The recurrent study's page on its own condensed data: quick tables as written, the whole page to the same bytes."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from experiments import v3
from experiments.recurrent import page
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.page_templates import SUFFIX
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.analysis.report.formatting import format_steps
from tests.conftest import ROOT
from tests.experiments.remade_page import assert_as_written, assert_remade_to_the_same

PAGE = ROOT / "docs" / "studies" / "recurrent"
MARKET = "spy"


@pytest.mark.parametrize("name", ["equivalence", "decisions", "runs"])
def test_a_table_is_as_it_was_written(name):
    table = load_study_page("recurrent").table(name, Market(PAGE / "data" / MARKET))
    assert_as_written(table.to_csv(index=False), PAGE / "tables" / MARKET / f"{name}.csv")


@pytest.mark.slow
def test_the_page_is_remade_to_the_same_bytes(tmp_path):
    assert_remade_to_the_same(PAGE, tmp_path)


def test_every_table_and_figure_is_on_the_page():
    prose = (ROOT / "experiments" / "recurrent" / f"README{SUFFIX}").read_text()
    for kind, names in (("table", page.TABLES), ("figure", page.FIGURES)):
        assert set(re.findall(rf"\b{kind}\(\"(\w+)\"\)", prose)) == set(names)


def test_what_is_said_of_the_last_step_follows_the_tables():
    (step,) = pd.read_csv(PAGE / "tables" / MARKET / "effects.csv")["last_step"].unique()
    prose = (PAGE / "README.md").read_text()
    assert f"at {format_steps(step)} steps it is" in prose
    stopped = f"at {format_steps(step)} of the\n100 000 declared steps"
    assert (stopped in prose) == (step < v3.END)
    assert ("All arms ran to the 100 000 declared steps" in prose) == (step == v3.END)


def test_it_is_said_that_all_numbers_are_equivalent_only_where_they_are():
    verdicts = pd.read_csv(PAGE / "tables" / MARKET / "equivalence.csv")["verdict"]
    assert "all twelve numbers are equivalent" in (PAGE / "README.md").read_text()
    assert verdicts.tolist() == ["equivalent"] * 12


def test_which_published_numbers_lie_outside_the_range_of_the_seeds_is_what_the_table_says():
    table = pd.read_csv(PAGE / "tables" / MARKET / "published.csv")
    prose = " ".join((PAGE / "README.md").read_text().split())
    below, above = table["published"] < table["one_more_low"], table["published"] > table["one_more_high"]
    assert f"Of the published run's {len(table)} numbers {(~below & ~above).sum()} lie within the range" in prose
    places = list(zip(table["metric"], table["env_steps"], strict=True))
    assert [place for place, outside in zip(places, below, strict=True) if outside] == [("call_pct", 100_000)]
    assert [place for place, outside in zip(places, above, strict=True) if outside] == [
        ("strong_buy_pct", 5_000),
        ("hold_pct", 50_000),
    ]
    assert (table["published"] - table["one_more_high"])[above].max() < 0.05  # they are published to one decimal
