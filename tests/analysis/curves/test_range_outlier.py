"""No single value decides what counts as a dip: the answer names it, and gives no verdict that it made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from momentum_jax.analysis.curves.range_outlier import values_alone
from momentum_jax.dips import analyze
from tests.analysis.curves.test_dip_analysis import noisy_curves

STEPS = np.arange(1.0, 61) * 1_000
SEEDS = 30


def dipping(*outliers: tuple[int, int, float]) -> np.ndarray:
    """[seed, K]: every seed dips by about 17 of 200; the values of some seeds and places are replaced."""
    noise = 0.5 * np.random.default_rng(0).normal(size=(SEEDS, 60))
    curves = 200 * (1 - np.exp(-STEPS / 8_000)) - 70 * np.exp(-(((STEPS - 9_000) / 3_000) ** 2)) + noise
    for seed, place, value in outliers:
        curves[seed, place] = value
    return curves


def found(*outliers: tuple[int, int, float], **options):
    return analyze(dipping(*outliers), **({"good": "up", "steps": STEPS, "noise": 0.5} | options))


@pytest.mark.parametrize("value", [-1e5, 1e5])
def test_a_value_that_makes_the_range_is_named_and_makes_no_verdict(value):
    usual, spoiled = found(), found((29, 50, value))
    assert usual.answer.endswith("most seeds.") and not usual.choices.threshold.outlier
    assert "no verdict, for one value makes the range and without it 30 seeds dip" in spoiled.answer
    said = next(line for line in spoiled.caveats if line.startswith("One value makes the range"))
    assert f"{value:.0f}".replace("100000", "100 000") in said and "seed 29, step 51000" in said
    assert "30 of 30 seeds dip" in said
    assert spoiled.choices.threshold.without == pytest.approx(usual.choices.threshold.value, rel=1e-3)
    # The remedies that are named work.
    given = found((29, 50, value), threshold=f"{spoiled.choices.threshold.without:.4g}")
    assert given.answer.endswith("most seeds.") and "One value" not in " ".join(given.caveats)
    assert found((29, 50, np.nan), allow_missing=True).answer.endswith("most seeds.")


def test_values_of_several_seeds_are_all_told_and_the_advice_ends_the_message():
    values = np.tile(dipping(), (2, 1))
    broken = ([3, 40, 40], [50, 22, 52])
    values[broken] = [-1e5, -1e5, -9e4]
    values[7, 30] = 900  # on the other side, and hidden behind the first ones
    spoiled = analyze(values, good="up", steps=STEPS, noise=0.5)
    assert "no verdict, for 4 single values make the range and without them 60 seeds dip" in spoiled.answer
    said = next(line for line in spoiled.caveats if line.startswith("Single values make the range"))
    assert "4 values of seed 3; seed 7 and seed 40, the farthest -100 000 of seed 3, step 51000" in said
    assert "Leave them out" in said and "orrect" not in said
    without = f"{spoiled.choices.threshold.without:.4g}"
    given = analyze(values, good="up", steps=STEPS, noise=0.5, threshold=without)
    values[broken], values[7, 30] = np.nan, np.nan
    left = analyze(values, good="up", steps=STEPS, noise=0.5, allow_missing=True)
    for after in (left, given):
        assert after.answer.endswith("nearly every seed.") and "make the range" not in " ".join(after.caveats)


@pytest.mark.parametrize("fall", [[0] * 10, [60, 0, 60], [60, 0], [0, 60], [0, 0]])
def test_a_rare_collapse_over_several_checkpoints_is_a_dip_and_no_outlier(fall):
    values = 95 + np.random.default_rng(0).normal(size=(40, 40))
    values[:2, 4 : 4 + len(fall)] = np.array(fall) + np.random.default_rng(1).normal(size=(2, len(fall)))
    result = analyze(values, good="up", noise="exact")
    assert not result.choices.threshold.outlier and result.answer.startswith("2 of 40 seeds")
    assert result.answer.endswith("fewer than half of the seeds.")
    assert not analyze(200 - values, good="down", noise="exact").choices.threshold.outlier


def test_the_range_of_mean_curves_may_be_made_by_a_value_too():
    spoiled = found((29, 50, -1e5), threshold="5% of mean")
    assert "seed 29, step 51000" in next(line for line in spoiled.caveats if "One value" in line)
    assert "no verdict" in spoiled.answer
    left = found((29, 50, np.nan), threshold="5% of mean", allow_missing=True)
    assert left.answer.endswith("most seeds.") and not left.choices.threshold.outlier


@pytest.mark.parametrize("seeds", [1, 2, 12])
@pytest.mark.parametrize("threshold", ["5%", "5% of mean"])
def test_where_all_seeds_begin_or_pass_is_no_outlier(seeds, threshold):
    noise = np.random.default_rng(0).normal(size=(seeds, 40))
    values = np.interp(np.arange(40), [0, 1, 39], [0, 70, 75]) + noise
    assert not analyze(values, good="up", noise="exact", threshold=threshold).choices.threshold.outlier
    values[:, 20] = -500 * (seeds > 1)
    assert not analyze(values, good="up", noise="exact", threshold=threshold).choices.threshold.outlier


def test_a_curve_that_swings_has_no_outlier():
    values = 100.0 * (np.arange(40) % 2) + np.random.default_rng(0).normal(size=(1, 40))
    assert not analyze(values, good="up", noise="exact").choices.threshold.outlier


def test_a_verdict_that_the_value_does_not_change_stays():
    # It makes the threshold 8 instead of 4, and all seeds dip by more.
    spoiled = found((29, 50, -220.0), threshold="2%")
    assert spoiled.choices.threshold.outlier and spoiled.answer.endswith("most seeds.")


@pytest.mark.parametrize("depth", [2.5, 12, 60])
def test_ordinary_curves_have_no_such_value(depth):
    curves = noisy_curves(depth=depth)
    assert not values_alone(curves[None]).any() and not values_alone(curves[:1][None]).any()
    assert not values_alone(np.array([curves, curves + 500])).any()
    start = curves.copy()
    start[:, 0] = -1_000  # of every seed: that is how these curves begin
    assert not values_alone(start[None]).any()


def test_the_outlier_stands_in_the_file_of_all_numbers():
    threshold = json.loads(found((29, 50, -1e5)).to_json())["choices"]["threshold"]
    assert "seed 29, step 51000" in threshold["outlier"] and threshold["without"] < 11
