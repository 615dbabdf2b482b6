"""The atlas's page on its own condensed data: quick tables as they were written, the whole page to the same bytes."""

from __future__ import annotations

import re
import shlex

import pandas as pd
import pytest

from experiments.atlas import page
from experiments.atlas.redrawn import FIRST
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.page_templates import SUFFIX
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.cli import dips_command
from tests.conftest import ROOT
from tests.experiments.remade_page import assert_as_written, assert_remade_to_the_same

PAGE = ROOT / "docs" / "studies" / "atlas"
MARKET = "gymnax"


@pytest.mark.parametrize("name", ["settings", "runs"])
def test_a_table_is_as_it_was_written(name):
    table = load_study_page("atlas").table(name, Market(PAGE / "data" / MARKET))
    assert_as_written(table.to_csv(index=False), PAGE / "tables" / MARKET / f"{name}.csv")


@pytest.mark.slow
def test_the_page_is_remade_to_the_same_bytes(tmp_path):
    assert_remade_to_the_same(PAGE, tmp_path)


def test_every_row_of_the_first_run_is_evaluated_again_as_the_page_says():
    settings, redrawn = (pd.read_csv(PAGE / "tables" / MARKET / f"{name}.csv") for name in ("settings", "redrawn"))
    assert set(settings.drawn_for) == {"each seed"}
    assert set(redrawn.environment) == FIRST.keys() == {*settings.environment} - {"mountain_car"} and len(FIRST) == 15
    assert len({*settings[settings.environment != "mountain_car"].name}) == 14
    said = "All fifteen rows of the first run, of fourteen environments (CartPole twice)"
    assert said in (PAGE / "README.md").read_text()


def test_the_dips_command_of_the_page_finds_as_many_seeds_as_the_page_says(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    prose = (PAGE / "README.md").read_text()
    (command,) = re.findall(r"python -m momentum_jax\.dips (.*?)```", prose, re.DOTALL)
    words = shlex.split(command.replace("\\\n", " "))
    dips = pd.read_csv(PAGE / "tables" / MARKET / "when.csv", index_col="environment")["dips"]
    assert "it finds 220 of 256\n  seeds" in prose and f"this page finds {dips['cartpole']}." in prose
    assert dips_command.main(words) == 0 and capsys.readouterr().out.startswith("220 of 256 seeds ")
    words.remove("--standard_error=own.eval_return_se")
    assert dips_command.main(words) == 0 and capsys.readouterr().out.startswith("0 of 256 seeds ")


def test_every_table_and_figure_is_on_the_page():
    prose = (ROOT / "experiments" / "atlas" / f"README{SUFFIX}").read_text()
    csv_alone = set(re.findall(r"`tables/[\w<>/]+/(\w+)\.csv`", prose))
    for kind, names in (("table", page.TABLES), ("figure", page.FIGURES)):
        used = set(re.findall(rf"\b{kind}\(\"(\w+)\"\)", prose))
        assert used | csv_alone.intersection(names) == set(names)
