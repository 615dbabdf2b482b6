"""No single value decides what counts as a dip: the answer names it, and gives no verdict that it made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from momentum_jax.analysis.curves.range_outlier import range_outlier
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


def test_a_seed_that_breaks_for_long_or_two_of_many_are_no_range_either():
    long = [(29, place, -1e5) for place in range(40, 60)]
    assert "30 seeds dip" in found(*long).answer
    many = np.tile(dipping(), (2, 1))
    many[[3, 40], [50, 52]] = -1e5
    assert "no verdict" in analyze(many, good="up", steps=STEPS, noise=0.5).answer


def test_the_range_of_mean_curves_may_be_made_by_a_value_too():
    spoiled = found((29, 50, -1e5), threshold="5% of mean")
    assert "mean of all, step 51000" in next(line for line in spoiled.caveats if "One value" in line)
    assert "no verdict" in spoiled.answer


def test_a_verdict_that_the_value_does_not_change_stays():
    # It makes the threshold 8 instead of 4, and all seeds dip by more.
    spoiled = found((29, 50, -220.0), threshold="2%")
    assert spoiled.choices.threshold.outlier and spoiled.answer.endswith("most seeds.")


@pytest.mark.parametrize("depth", [2.5, 12, 60])
def test_ordinary_curves_have_no_such_value(depth):
    curves = noisy_curves(depth=depth)
    assert range_outlier(curves[None]) is None and range_outlier(curves[:1][None]) is None
    assert range_outlier(np.array([curves, curves + 500])) is None
    start = curves.copy()
    start[:, 0] = -1_000  # of every seed: that is how these curves begin
    assert range_outlier(start[None]) is None


def test_the_outlier_stands_in_the_file_of_all_numbers():
    threshold = json.loads(found((29, 50, -1e5)).to_json())["choices"]["threshold"]
    assert "seed 29, step 51000" in threshold["outlier"] and threshold["without"] < 11
