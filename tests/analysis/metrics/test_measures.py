"""Alignment, predictors and the policy/visit split."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.metrics.curves import derive_curves
from momentum_jax.analysis.metrics.measures import aligned, policy_visit_split, predictor_table
from momentum_jax.run_directory import load_run


def test_alignment_interpolates_from_each_onset_and_leaves_seeds_without_one_out():
    curves = np.array([[0.0, 10, 20], [5, 5, 5], [0, 100, np.nan]])
    rows = aligned([0, 10, 20], curves, [5, np.nan, 0], [-10, 0, 5, 20])
    np.testing.assert_allclose(rows, [[np.nan, 5, 10, np.nan], [np.nan, 0, 50, np.nan]])
    assert aligned([0, 10], np.ones((2, 2)), [np.nan, np.nan], [0, 1]).shape == (0, 2)


def test_predictors_tell_a_signal_from_noise():
    key = np.random.default_rng(1)
    depth = key.standard_normal(80)
    features = {"signal": depth + 0.1 * key.standard_normal(80), "noise": key.standard_normal(80), "flat": np.ones(80)}
    table = predictor_table(features, depth, depth > 0).set_index("predictor")
    assert table.loc["signal", "r2"] > 0.9 and table.loc["signal", "auroc_low"] > 0.9
    assert table.loc["noise", "r2"] < 0.1
    assert table.loc["noise", "auroc_low"] < 0.5 < table.loc["noise", "auroc_high"]
    assert np.isnan(table.loc["flat", "r2"]) and table.loc["flat", "auroc"] == 0.5
    assert predictor_table(features, depth, depth > 9)["auroc"].isna().all()


def test_left_out_r2_is_that_of_a_plain_loop():
    key = np.random.default_rng(2)
    x, y = key.standard_normal((2, 12))
    predicted = [np.polyval(np.polyfit(np.delete(x, i), np.delete(y, i), 1), x[i]) for i in range(12)]
    alone = [y[i] - np.delete(y, i).mean() for i in range(12)]
    expected = 1 - np.sum((y - predicted) ** 2) / np.sum(np.square(alone))
    assert predictor_table({"x": x}, y, y > 0)["r2"].item() == pytest.approx(expected)


def test_policy_and_visit_parts_add_up_to_the_change(simulate):
    ds = load_run(simulate(arms=("a",), num_seeds=3, failed={(0, 1): 15_000}))
    policy, visit = policy_visit_split(ds)
    hold = derive_curves(ds)["hold_pct"].transpose("arm", "seed", "checkpoint").values
    np.testing.assert_allclose(policy + visit, np.diff(hold, axis=-1), atol=1e-9)
    assert np.nanmax(np.abs(policy)) > 5 * np.nanmax(np.abs(visit))
