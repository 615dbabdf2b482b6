"""The summary's words stay inside the intervals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.report.data_warnings import quality_table, warnings_of
from momentum_jax.analysis.report.run_tables import dip_table
from momentum_jax.analysis.report.summary import summarise
from momentum_jax.analysis.report.verdict_words import direction_in_words, rise_in_words, share_in_words
from momentum_jax.run_directory import load_run


@pytest.mark.parametrize(
    ("dips", "seeds", "words"),
    [
        (64, 64, "nearly every seed"),
        (16, 16, "most seeds"),
        (9, 16, "undecided"),
        (2, 16, "fewer than half"),
        (0, 64, "hardly any seed"),
        (0, 16, "fewer than half"),
    ],
)
def test_a_share_is_called_only_what_both_ends_allow(dips, seeds, words):
    assert share_in_words(wilson_interval(dips, seeds), seeds).startswith(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Interval(2, 1, 3), "**up**"),
        (Interval(-2, -3, -1), "**down**"),
        (Interval(2, -1, 5), "**undecided**"),
        (Interval(2, 2, 2, "one seed"), "**undecided**"),
        (Interval(0, 0, 0, "constant"), "no difference at all"),
    ],
)
def test_a_direction_is_named_only_where_the_interval_has_one_sign(change, words):
    assert words in direction_in_words(change, 6, "up", "down")


def test_few_seeds_have_no_direction_and_no_verdict():
    change = Interval(2, 1, 3)
    assert direction_in_words(change, 5, "up", "down") == "+2.0 points in 5 seeds: no verdict below 6 seeds"
    assert rise_in_words(change, 5) == "mean change +2.0 points in 5 seeds: no verdict below 6 seeds"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (Interval(3, 1, 5), "**supported** (mean change +3.0 points, 95 % interval +1.0 to +5.0)"),
        (Interval(3, -1, 5), "**undecided**"),
        (Interval(-3, -5, -1), "**not supported**"),
        (Interval(3, 3, 3, "one seed"), "**undecided** (mean change +3.0 points, a point because of: one seed)"),
        (Interval(np.nan, np.nan, np.nan, "no seeds"), "undecided"),
    ],
)
def test_the_interval_decides_whether_there_is_a_rise(change, word):
    assert rise_in_words(change, 6).startswith(word)


def test_two_arms_are_compared_on_the_healthy_seeds_of_both(simulate):
    ds = load_run(simulate(failed={(0, 3): 15_000}))
    sentences = summarise(ds, dip_table(ds))
    assert sentences[0].startswith("In tune2, exact P(HOLD) rose by 5 points or more")
    assert "5 of 5 healthy seeds" in sentences[0] and "On the same 5 seeds" in sentences[-1]
    assert 3 <= len(sentences) <= 6


def test_a_run_of_one_quiet_arm_has_three_sentences(simulate):
    ds = load_run(simulate(arms=("a",), steps=(0, 1_000)))
    table = dip_table(ds)
    table["has_dip"] = False
    assert len(summarise(ds, table)) == 3


def test_quality_counts_what_is_missing(simulate):
    ds = load_run(simulate(num_seeds=2, failed={(0, 1): 50_000}))
    quality = quality_table(ds).set_index("arm")
    assert quality["failed"].tolist() == [1, 0] and quality["empty_windows"].tolist() == [4, 0]
    assert quality["missing_learner_means"].tolist() == [2 * 27, 2 * 27]
    assert quality["probe_states"].tolist() == [2_050, 2_050] and np.all(quality["halves_apart"] == 0)
    warnings = "\n".join(warnings_of(ds.assign_attrs(left_out=json.dumps(["x was left out"])), quality.reset_index()))
    for expected in ("1 of 4 runs failed", "x was left out", "only 2 seeds", "4 windows of a seed hold no flat"):
        assert expected in warnings
