"""The words of an analysis: a short answer inside its intervals, what belongs to it, and what it cannot see."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.answer import answer
from momentum_jax.analysis.curves.inputs import to_curve_set
from momentum_jax.analysis.curves.page.plain_text import what_counts
from momentum_jax.dips import analyze
from momentum_jax.fields import ConfigError
from tests.analysis.curves.test_dip_analysis import EXACT, HAND, STEPS, noisy_curves

WORDS = {
    "half": (
        np.tile(HAND[:2], (12, 1)),
        "12 of 24 seeds (50 %, 95 % interval 31 to 69 %) dip by step 40: undecided whether half",
    ),
    "every seed": (
        np.tile(HAND[:1], (64, 1)),
        "64 of 64 seeds (100 %, 95 % interval 94 to 100 %) dip by step 40: nearly every seed.",
    ),
    "none": (
        np.tile(HAND[1:2], (40, 1)),
        "0 of 40 seeds (0 %, 95 % interval 0 to 9 %) dip by step 40: hardly any seed.",
    ),
    "few": (np.tile(HAND[:1], (5, 1)), "5 of 5 seeds dip by step 40: no verdict below 6 seeds."),
    "one": (HAND[:1], "One curve cannot say how many seeds dip: value of seed 0 falls by 3 at most by step 40."),
}


@pytest.mark.parametrize(("curves", "words"), WORDS.values(), ids=WORDS)
def test_the_words_stay_inside_the_interval(curves, words):
    assert analyze(curves, steps=STEPS, **EXACT).answer.startswith(words)


def test_the_answer_speaks_of_a_rise_where_down_is_good():
    curves = to_curve_set(np.tile(-HAND, (4, 1)), steps=STEPS)
    found = analyze(replace(curves, value_name="hold", unit="%"), **(EXACT | {"good": "down"}))
    assert found.details[0].startswith("The mean depth of all seeds, dip or not, is 1.167 points (95 % interval ")
    assert "A dip is a rise by at least 1 points, with its trough by step 40" in what_counts(found)[0]
    assert "rises by 3 points at most" in analyze(-HAND[:1], steps=STEPS, **(EXACT | {"good": "down"})).answer.replace(
        "by 3 at", "by 3 points at"
    )


def test_no_more_dips_than_chance_makes_are_called_that():
    curves = to_curve_set(np.zeros((40, 12)) + np.arange(12))
    choices = analyze(curves, good="up", noise="estimated", threshold=1).choices
    seeds = analyze(noisy_curves(seeds=40, dips=2), good="up", threshold=5).seeds
    assert seeds["is_dip"].sum() == 2
    assert "and no more than chance may make (p = 0.60)" in answer(curves, choices, seeds)


def short_dips(seeds: int = 32) -> np.ndarray:
    """[seed, K]: flat curves with noise 1, every second one lower by 15 at one checkpoint of its own."""
    curves = np.random.default_rng(4).normal(size=(seeds, 60))
    curves[np.arange(0, seeds, 2), 4 + np.arange(0, seeds, 2) // 2] -= 15
    return curves


def test_what_estimated_noise_hides_is_said_and_the_remedy_finds_it():
    steps, curves = np.arange(60) * 200.0, short_dips()
    options = {"good": "up", "threshold": 10, "horizon": "50%"}
    blind = analyze(curves, steps=steps, **options)
    assert blind.caveats[0].startswith("Noise is estimated from the curves, which hides short dips")
    assert "most of 1 to 3 checkpoints (up to about 600 steps) look like noise" in blind.caveats[0]
    assert not blind.seeds["is_dip"].any()
    assert blind.answer.startswith(
        "0 of 32 seeds (0 %, 95 % interval 0 to 11 %) dip within the first 50 % of the run: "
    )
    assert blind.answer.endswith(
        "undecided whether half of the seeds or more, for as many as 16 fall as far, by dips or by noise."
    )
    assert (
        blind.caveats[1] == "16 more seeds fall by at least 10, and no more than noise may make: not counted as dips."
    )
    rows = pd.DataFrame(curves).stack().rename_axis(["seed", "place"]).rename("value").reset_index()
    table = rows.assign(step=steps[rows["place"]], value_se=1.0).drop(columns="place")
    seen = analyze(table.rename(columns={"value_se": "standard_error"}), **options)
    assert seen.choices.noise == "standard_errors" and seen.seeds["is_dip"].sum() == 16
    assert not any("hides" in line for line in seen.caveats)


def test_the_answer_is_one_short_sentence():
    arms = {"a": noisy_curves(), "b": noisy_curves(dips=2, seed=1), "c": noisy_curves(dips=1, seed=2)}
    found = analyze(arms, good="up")
    words = r"In a, 6 of 24 seeds \(25 %, 98.33 % interval \d+ to \d+ %\) dip within the first 25 % of the run: "
    hidden = int(found.seeds.query("arm == 'a'")["reaches_threshold"].sum())
    verdict = f"undecided whether half of the seeds or more, for as many as {hidden} fall as far, by dips or by noise"
    assert hidden > 6 and re.fullmatch(rf"{words}{verdict}\.", found.answer)
    assert [line.split(" differ ")[0] for line in found.details[1:]] == ["Falls of b", "Falls of c"]
    assert json.loads(found.to_json())["details"] == list(found.details)
    assert json.loads(found.to_json())["caveats"] == list(found.caveats)


def two_arms(seeds: int, depth: float, key: int = 11) -> np.ndarray:
    """[arm, seed, K]: rising curves whose dips are of one distribution in both arms, `depth` deeper in the second."""
    rng, steps = np.random.default_rng(key), np.arange(40)
    dips = rng.exponential(20, (2, seeds, 1)) + np.array([0, depth])[:, None, None]
    return (
        200 * (1 - np.exp(-steps / 8))
        - dips * np.exp(-(((steps - 9) / 2) ** 2))
        + 0.5 * rng.normal(size=(2, seeds, 40))
    )


def test_few_seeds_differ_only_where_a_permutation_test_says_so_too():
    """Six pairs cannot reach a level of 2.5 % by sign flips, whatever a bootstrap interval of six numbers says."""
    six, eight = (analyze(two_arms(seeds, 60), good="up", noise=0.5, horizon="50%") for seeds in (6, 8))
    assert six.details[-1].endswith("undecided, for a permutation test gives p = 0.062.")
    assert eight.details[-1].endswith("deeper.")


def test_noise_alone_makes_no_arm_deeper():
    """The second arm's curves are twice as noisy, and neither falls."""
    curves = np.random.default_rng(0).normal(size=(2, 20, 60)) * np.array([1, 2])[:, None, None]
    found = analyze(curves, good="up", noise=np.broadcast_to(np.array([1.0, 2])[:, None, None], curves.shape))
    assert found.comparison["p_value"][0] < 0.01
    assert found.details[-1].endswith("undecided, for the falls of the deeper arm are no more than its noise may make.")


def test_more_checkpoints_than_can_be_compared_are_refused_with_what_helps():
    curves = np.random.default_rng(0).normal(size=(6, 1_500))
    with pytest.raises(ConfigError, match=r"found 1,500 checkpoints, expected at most 1,000.*one in 2 values"):
        analyze(curves, good="up")
    assert analyze(curves, good="up", noise="exact").seeds["is_dip"].all()


def test_rare_falls_of_many_seeds_make_no_arm_deeper_and_neither_does_unknown_noise():
    """Five percent of seeds that only rise may fall by their noise: those that never fall count among them."""
    steps = np.arange(40.0)
    curves, errors = np.tile(steps, (2, 200, 1)), np.full((2, 200, 40), 0.1)
    curves[1, :8, 8] -= 5
    found = analyze(curves, good="up", noise=errors)
    assert found.details[-1].endswith("undecided, for the falls of the deeper arm are no more than its noise may make.")
    errors[1, :, 8] = np.nan
    curves[1, :, 8] -= 5
    assert "not known" in analyze(curves, good="up", noise=errors).details[-1]
