"""A seed whose noise nothing tells is no evidence: neither as a dip nor as none, wherever seeds are counted."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.page.display_tables import course_table, prevalence_table
from momentum_jax.analysis.curves.page.page import explorer_data
from momentum_jax.analysis.curves.page.pictures import pictures
from momentum_jax.dips import CurveSet, analyze

STEPS = np.arange(1.0, 41)
KNOWN = 8  # of 30 seeds


def falling(seeds=30, known=KNOWN, depth=20.0):
    """Every seed falls by about the depth, with noise 0.5; the standard errors of the first ones alone are known."""
    rng = np.random.default_rng(0)
    values = 2 * STEPS - depth * np.isin(STEPS, (6, 7, 8)) + 0.5 * rng.normal(size=(seeds, len(STEPS)))
    errors = np.where(np.arange(seeds)[:, None] < known, 0.5, np.nan) * np.ones(len(STEPS))
    return CurveSet(values=values[None], steps=STEPS, standard_errors=errors[None])


@pytest.fixture(scope="module")
def result():
    return analyze(falling(), good="up", threshold=5)


def test_the_verdict_is_of_the_seeds_whose_noise_is_known(result):
    assert result.answer.startswith("8 of 8 seeds whose noise is known (100 %, 95 % interval 68 to 100 %) dip within")
    assert result.answer.endswith("most seeds.")
    assert not any("no more than noise may make" in line for line in result.caveats)
    said = next(line for line in result.caveats if "not judged" in line)
    assert said.startswith("22 of 30 seeds are not judged, and count neither as dips nor as none")
    # The remedy that is named judges them all.
    assert "by noise=estimated" in said
    remedied = analyze(falling(), good="up", threshold=5, noise="estimated")
    assert remedied.seeds["judged"].all() and "whose noise is known" not in remedied.answer


def test_a_verdict_needs_six_seeds_whose_noise_is_known():
    few = analyze(falling(known=5), good="up", threshold=5)
    assert few.answer.startswith("5 of 5 seeds whose noise is known dip") and "no verdict below 6" in few.answer
    one = analyze(falling(seeds=2, known=1), good="up", threshold=5).curves
    alone = replace(one, values=one.values[:, 1:], standard_errors=None, seeds=("1",))
    late = np.where(STEPS > 12, 0.5, np.nan)[None, None]
    assert "nothing says how much" in analyze(replace(alone, standard_errors=late), good="up", threshold=5).answer


def test_no_seed_is_left_out_by_whether_it_falls():
    """Where only the fallen ones of unknown noise were left out, too few of the others would seem to dip."""
    curves = falling()
    curves.values[:, ::2] = STEPS  # every second seed never falls, of known noise and of unknown alike
    found = analyze(curves, good="up", threshold=5)
    assert found.population["judged"].tolist() == [KNOWN] and found.population["dips"].tolist() == [KNOWN // 2]
    assert found.seeds["is_dip"].isna().tolist() == [False] * KNOWN + [True] * (30 - KNOWN)


def test_noise_that_is_known_elsewhere_does_not_judge_a_fall():
    curves = falling(known=30)
    curves.standard_errors[0, 0, STEPS == 6] = np.nan
    curves.standard_errors[0, 0, STEPS == 7] = np.nan
    curves.standard_errors[0, 0, STEPS == 8] = np.nan
    curves.standard_errors[0, 1, STEPS > 20] = np.nan  # where no fall is looked for
    assert np.flatnonzero(~analyze(curves, good="up", threshold=5).seeds["judged"]).tolist() == [0]


def test_the_tables_count_the_judged_seeds(result):
    row = result.population.iloc[0]
    assert (row["seeds"], row["judged"], row["dips"], row["prevalence_pct"]) == (30, KNOWN, KNOWN, 100)
    assert row["exceed_noise"] == KNOWN and row["p_chance"] == pytest.approx(0.05**KNOWN)
    cell = result.sensitivity[result.sensitivity["chosen"]].iloc[0]
    assert (cell["seeds"], cell["judged"], cell["prevalence_pct"]) == (30, KNOWN, 100)
    assert set(result.seeds["class"][KNOWN:]) == {"noise unknown"}
    shares = result.sample_size[result.sample_size["question"].str.startswith("prevalence")]
    assert (shares["seen"] == KNOWN).all()
    assert prevalence_table(result)["dips"].tolist() == course_table(result)["falls beyond noise"].tolist() == ["8/8"]


def test_files_leave_the_verdict_on_such_a_seed_empty(result):
    rows = json.loads(result.to_json())["seeds"]
    assert [row["is_dip"] for row in rows] == [True] * KNOWN + [None] * (30 - KNOWN)
    again = pd.read_csv(io.StringIO(result.seeds.to_csv(index=False)))
    assert again["is_dip"].isna().sum() == again["exceeds_noise"].isna().sum() == 30 - KNOWN


def test_page_and_pictures_show_such_a_seed_as_neither(result):
    rows = explorer_data(result)["dips"][0]["rows"][0]
    assert [row["class"] for row in rows[KNOWN:]] == ["noise unknown"] * (30 - KNOWN)
    assert all(row["onset"] is None for row in rows[KNOWN:])
    shown = {picture.name: picture.figure for picture in pictures(result)}
    assert shown["noise"].axes[0].get_title() == "all: 8 of 8"
    assert "8 of 8 seeds dip" in shown["curves"].get_suptitle()
    assert shown["curves"].axes[1].get_legend().get_texts()[0].get_text() == "all: 100 % dip"


def test_arms_are_compared_on_seeds_whose_noise_is_known():
    first, second = falling(known=30), falling()
    second.values[0, :KNOWN] = STEPS
    found = analyze({"a": first, "b": second}, good="up", threshold=5).comparison.set_index("quantity")
    assert found.loc["prevalence_pct", "pairs"] == KNOWN and found.loc["prevalence_pct", "difference"] == -100
    assert found.loc["depth", "pairs"] == 30


def test_where_no_seed_is_judged_that_is_said_and_not_none_of_none():
    first, second = falling(known=30), falling(known=0)
    unknown = replace(second, standard_errors=np.where(STEPS == 7, np.nan, first.standard_errors))
    unknown.values[0, :, 6] -= 50
    found = analyze({"a": unknown, "b": first}, good="up")
    assert found.answer == (
        "In a, no seed's noise is known, so that none can be said to dip or not within the first 25 % of the run: "
        "no verdict."
    )
    alone = replace(unknown, values=unknown.values[:, :1], standard_errors=unknown.standard_errors[:, :1], seeds=("0",))
    one = analyze(alone, good="up", horizon="50%")
    for result in (found, one):
        assert "0 of 0" not in " ".join([result.answer, *result.details, *result.caveats])
    shown = {picture.name: picture.figure for picture in pictures(analyze(unknown, good="up"))}
    assert "the noise of no seed is known" in shown["curves"].get_suptitle()
