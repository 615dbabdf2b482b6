"""The study's page on its own condensed data: every table as it was written, and the whole page to the same bytes."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from experiments.early_dip import STUDY, page, tables
from experiments.which_path import page as second_page
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.page_templates import SUFFIX
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.study import part_name
from tests.conftest import ROOT
from tests.experiments.remade_page import assert_as_written, assert_remade_to_the_same

PAGE = ROOT / "docs" / "studies" / "early_dip"
# Tables of seconds each; the slow test below makes them too.
SLOW = {"claims", "declared", "undecided", "prediction", "features"}


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(PAGE / "data" / "synthetic")


@pytest.mark.parametrize("name", [name for name in page.TABLES if name not in SLOW])
def test_a_table_is_as_it_was_written(market, name):
    path = PAGE / "tables" / "synthetic" / f"{name}.csv"
    table = load_study_page("early_dip").table(name, market)
    assert table.empty == (not path.exists())  # there is no file of what was not run
    if path.exists():
        assert_as_written(table.to_csv(index=False), path)


@pytest.mark.slow
def test_the_page_is_remade_to_the_same_bytes(tmp_path):
    assert_remade_to_the_same(PAGE, tmp_path)


def test_every_part_is_read_and_every_table_and_figure_is_on_a_page():
    prose = "".join(path.read_text() for path in (ROOT / "experiments" / "early_dip").glob(f"*{SUFFIX}"))
    csv_alone = set(re.findall(r"`tables/[\w<>/]+/(\w+)\.csv`", prose))
    for front, declared in ((r"(?<!\.)\b\w+", page), (r"which_path\.\w+", second_page)):
        for kind, names in (("table", declared.TABLES), ("figure", declared.FIGURES)):
            used = set(re.findall(rf"{front}\.{kind}\(\"(\w+)\"\)", prose))
            assert used | csv_alone.intersection(names) == set(names)
    parts = {part_name(part) for part in STUDY.parts}
    assert {*tables.MAIN_PARTS, *tables.CAUSE_PARTS, *tables.DOSE_PARTS, *tables.STREAM_PARTS} <= parts
    assert page.REFERENCES.keys() <= parts


@pytest.mark.parametrize("name", ["spy", "synthetic"])
def test_over_how_many_numbers_intervals_are_simultaneous_is_said_as_the_tables_have_it(name):
    causes, rest, declared, claims = (
        pd.read_csv(PAGE / "tables" / name / f"{table}.csv") for table in ("causes", "rest", "declared", "claims")
    )
    roles, prose = causes["role"].value_counts(), " ".join((PAGE / "README.md").read_text().split())
    measured = claims["claim"][claims["seeds"] > 0].nunique()
    assert (
        f"over the {roles['confirmatory']} confirmatory or the {roles['exploratory']} exploratory arms, "
        f"declared claims over all {declared['claim'].nunique()}, "
        f"published claims over the {measured} that can be measured"
    ) in prose
    assert f"(simultaneous over {roles['confirmatory']} arms)" in prose
    assert f"simultaneous over the {roles['exploratory']} exploratory arms" in prose
    assert f"(simultaneous over the {len(rest)} arms of the appendix's table)" in prose


def test_doses_take_the_arms_of_other_parts_that_differ_in_nothing_else(market):
    by_trim = tables.entropy_doses(market)
    doses = [0.02, 0.04, 0.06, 0.08, 0.10, 0.12]
    # The baseline and tune1 have these doses too, but other rewards.
    assert {trim: list(by_dose) for trim, by_dose in by_trim.items()} == {"trap": doses, "fixed": doses}


def test_what_is_left_is_compared_with_the_arm_without_the_trap(market):
    table = tables.rest(market).set_index("arm")
    names = [f"trim+{name}" for name in ("put_sign", "put_setup", "hold_tax_in_position", "graded_loss_tiers")]
    assert list(table.index[:4]) == names
    one, other = (market.outcome(arm) for arm in ("trim+put_setup", "trim_reduces_cost"))
    on_both = other.depth[np.isin(other.seeds, one.seeds)]
    assert table.loc["trim+put_setup", "difference"] == pytest.approx(one.depth.mean() - on_both.mean())
    assert set(table["role"]) == {"exploratory"}


def test_an_arm_of_the_design_with_nothing_redrawn_is_tune2_itself(market):
    design, usual = market.parts["streams"], market.parts["reproduction"].sel(arm="tune2")
    steps = [step for step in design["env_steps"].values if step <= 10_000]
    assert steps == usual["env_steps"].values[: len(steps)].tolist()
    np.testing.assert_array_equal(
        design["flat_count"].sel(arm="A", checkpoint=steps).isel(seed=slice(64)).values,
        usual["flat_count"].sel(checkpoint=steps).values,
    )
    assert tables.streams(market)["stream"].tolist()[:3] == ["init", "action", "minibatch"]


def test_learning_rate_zero_stays_exactly_still_in_what_is_kept(market):
    assert (market.outcome("learning_rate_0").depth == 0).all()
    assert (market.outcome("tune2").depth > 0).all()
