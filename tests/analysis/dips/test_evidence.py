from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.dips.evidence import comparison_table, prediction_table, predictor_table
from momentum_jax.analysis.dips.noise_table import noise_table
from momentum_jax.analysis.inference.predictors import LEARNER_FEATURES
from momentum_jax.run_directory import load_run


def test_a_real_fall_exceeds_chance_and_noise_around_a_level_does_not(simulate):
    run = load_run(simulate(num_seeds=12)).load()
    table = noise_table(run, draws=200).set_index(["arm", "metric", "baseline"])
    assert table.loc[("tune2", "windowed HOLD %", 0), "exceed"] > 6
    rng = np.random.default_rng(0)
    flat = run.copy(deep=True)
    decisions = flat.flat_count.sum(["setup_score", "action"])
    flat.flat_count[:] = 0
    hold = rng.binomial(decisions.values, 0.5)
    flat.flat_count.loc[{"setup_score": 3, "action": "HOLD"}] = hold
    flat.flat_count.loc[{"setup_score": 3, "action": "BUY_CALL"}] = decisions.values - hold
    found = noise_table(flat, draws=200)
    assert found["exceed"].sum() <= 0.15 * found["seeds"].sum()
    assert table.loc[("tune2", "windowed HOLD %", 0), "p_value"] < 1e-6 and (found["p_value"] > 0.01).all()
    alone = noise_table(run.isel(seed=[0]), draws=200)
    assert (alone["flag"] == "one seed").all() and alone[["fall", "by_chance", "exceed"]].isna().all(axis=None)
    assert noise_table(run, draws=200)["flag"].eq("").all()
    assert (found["design_effect_median"] < 1.6).all()


def test_sticky_decisions_around_a_level_do_not_exceed_chance(simulate):
    """Windows vary six times as much as independent decisions: the table sees that, and finds no falls."""
    run = load_run(simulate(num_seeds=24)).load()
    decisions = run.flat_count.sum(["setup_score", "action"]).values
    concentration = np.maximum((decisions - 1) / 5 - 1, 0.1)  # variance 1 + (n - 1) / (concentration + 1) = 6
    rng = np.random.default_rng(1)
    hold = rng.binomial(decisions, rng.beta(concentration / 2, concentration / 2))
    run.flat_count[:] = 0
    run.flat_count.loc[{"setup_score": 3, "action": "HOLD"}] = hold
    run.flat_count.loc[{"setup_score": 3, "action": "BUY_CALL"}] = decisions - hold
    table = noise_table(run, draws=500)
    assert table["design_effect_median"].between(4.5, 8).all()
    assert table["exceed"].sum() <= 0.1 * table["seeds"].sum()


def test_arms_are_compared_seed_by_seed(simulate):
    run = load_run(simulate(num_seeds=12)).load()
    table = comparison_table(run)
    arms = run.arm.values.tolist()
    assert table["arm"].unique().tolist() == arms[1:]
    assert (table["p_holm"] >= table["p_value"]).all()
    same = run.copy(deep=True)
    for name in same.data_vars:
        same[name].values[1] = same[name].values[0]
    unchanged = comparison_table(same)
    assert (unchanged["difference"].iloc[:2] == 0).all()
    assert (unchanged["p_value"] == 1).all()
    assert comparison_table(run.isel(arm=[0])).empty


def test_predictions_need_seeds_and_leave_failed_ones_out(simulate):
    few = prediction_table(load_run(simulate(num_seeds=4)))
    assert few["r2"].isna().all()
    run = load_run(simulate(num_seeds=24, name="many")).load()
    rng = np.random.default_rng(0)
    for name in LEARNER_FEATURES:  # the simulation leaves the learner's health out
        run[name][:] = rng.normal(size=run[name].shape)
    many = prediction_table(run)
    failed = run.copy(deep=True)
    failed["failed_step"][0, 3, -5:] = 50_000
    assert prediction_table(failed)["seeds"].tolist() == [23, 24] * 2
    assert many["seeds"].tolist() == [24] * len(many)
    assert np.isfinite(many["gain"]).all()
    assert (many["gain_low"] <= many["gain_high"]).all()


def test_each_predictor_stands_beside_all_together_as_the_other_table_has_it(simulate):
    run = load_run(simulate(num_seeds=24)).load()
    rng = np.random.default_rng(0)
    for name in (*LEARNER_FEATURES, "grad_norm", "reward_sum"):
        run[name][:] = rng.normal(size=run[name].shape)
    table = predictor_table(run).set_index("predictor")
    whole = prediction_table(run).query("arm == 'tune2' and known_at_step == 5000").iloc[0]
    assert table.loc["all together", ["r2", "auroc"]].tolist() == [whole["r2"], whole["auroc"]]
    assert table.loc["P(HOLD) alone", ["r2", "r2_low", "r2_high"]].tolist() == pytest.approx(
        whole[["hold_r2", "hold_r2_low", "hold_r2_high"]].tolist()
    )
    assert {"entropy", "d′", "c", "grad norm", "reward sum"} <= set(table.index)
    assert predictor_table(run.isel(checkpoint=slice(0, 5))).empty
