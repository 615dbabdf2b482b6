"""What predicts a depth on seeds held out, against signals and noise that are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import prediction_power as simulation
from momentum_jax.analysis.inference import intervals, prediction_power, predictors
from momentum_jax.analysis.metrics.signal import sensitivity_curves
from momentum_jax.run_directory import load_run


def test_features_that_predict_are_told_apart_from_noise():
    rng = np.random.default_rng(6)
    useful, noise = rng.normal(0, 1, (2, 80))
    depth = 3 * useful + rng.normal(0, 1, 80)
    good = predictors.predict(np.stack([noise, useful], axis=1), depth)
    assert good.r2.low > 0.7 and good.gain.low > 0.5 and good.trivial_r2.estimate < 0.1
    assert good.spearman > 0.7 and good.auroc > 0.9
    # In-sample R² of noise is positive by construction; out of fold it is not.
    assert predictors.predict(rng.normal(0, 1, (80, 9)), depth).r2.estimate < 0.05


def test_each_feature_alone_is_scored_as_it_is_by_itself():
    rng = np.random.default_rng(7)
    features = rng.normal(0, 1, (40, 3))
    features[3, 1] = np.nan
    depth = 2 * features[:, 2] + rng.normal(0, 1, 40)
    alone = predictors.predict_alone(features, depth)
    for column, found in enumerate(alone):
        whole = predictors.predict(features[:, [column]], depth)
        assert found == (whole.r2, whole.auroc)
    assert alone[2].r2.low > 0.5 > alone[0].r2.high and alone[2].auroc > 0.85
    assert alone[0].r2.estimate < 0.1  # in sample it cannot be below 0
    few = predictors.predict_alone(features[:9], depth[:9])
    assert len(few) == 3 and all(np.isnan(one.auroc) and one.r2.flag == "fewer than 10 seeds" for one in few)


def test_too_few_seeds_predict_nothing():
    found = predictors.predict(np.ones((6, 2)), np.arange(6.0))
    assert found.flag == "fewer than 10 seeds" and np.isnan(found.auroc)
    assert predictors.predict(np.ones((20, 2)), np.ones(20)).flag == "constant outcome"


def test_auroc_is_the_share_of_pairs_in_order():
    assert predictors.auroc([1, 2, 3, 4], [False, False, True, True]) == 1
    assert predictors.auroc([1, 1], [True, False]) == 0.5
    assert np.isnan(predictors.auroc([1, 2], [True, True]))


def test_landmark_features_of_a_run(simulate):
    ds = load_run(simulate())
    names, values = predictors.landmark_features(ds, 5_000)
    assert names[0] == "p_hold" and values.sizes == {"arm": 2, "seed": 6, "feature": len(names)}
    assert values.sel(feature="d_prime_exact").min() > 0
    with pytest.raises(ValueError, match="checkpoint"):
        predictors.landmark_features(ds, 5_001)


def test_features_are_those_of_the_whole_curves_and_absent_after_a_loss_that_was_too_large(simulate):
    ds = load_run(simulate(arms=("a", "b"), num_seeds=3)).load()
    ds["value_loss"][:] = 0.0
    ds["value_loss"][1, 2, 1] = 1e30
    _, values = predictors.landmark_features(ds, 5_000)
    whole, place = sensitivity_curves(ds), list(ds["env_steps"].values).index(5_000)
    assert place > 1
    for name in ("d_prime_exact", "criterion_exact"):
        found = values.sel(feature=name)
        np.testing.assert_array_equal(found, whole[name].transpose("arm", "seed", "checkpoint")[..., place])
        assert np.argwhere(np.isnan(found.values)).tolist() == [[1, 2]]


def test_the_interval_of_means_is_that_of_any_statistic():
    for num_seeds in (2, 12, 1_200):
        error, base = np.random.default_rng(num_seeds).gamma(2, 1, (2, num_seeds))
        one = intervals.interval_of_means((error, base), lambda a, b: 1 - a / b, seed=3)
        other = intervals.statistic_interval((error, base), lambda a, b: 1 - a.mean(axis=-1) / b.mean(axis=-1), seed=3)
        assert one[:3] == pytest.approx(other[:3], rel=1e-12) and one.flag == other.flag == ""
    assert intervals.interval_of_means(([1.0], [2.0]), lambda a, b: a / b).flag == "one seed"


@pytest.mark.parametrize(("num_seeds", "num_features"), [(16, 9), (16, 1)])
def test_the_share_that_is_detectable_is_found_in_four_of_five_studies(num_seeds, num_features):
    share = prediction_power.detectable_share(num_seeds, num_features)
    found = simulation.share_found(num_seeds, num_features, share, 60)
    assert found == pytest.approx(prediction_power.POWER, abs=0.12)
    assert simulation.share_found(num_seeds, num_features, 0.6 * share, 60) < 0.65


def test_more_seeds_detect_less_and_more_features_need_more():
    shares = [[prediction_power.detectable_share(seeds, k) for seeds in (16, 64, 256, 1_024)] for k in (1, 5, 9)]
    assert (np.diff(shares, axis=1) < 0).all() and (np.diff(shares, axis=0) > 0).all()
    assert np.isnan(prediction_power.detectable_share(15, 9))
    # A study of 64 seeds and nine features: it does not see a fifth, so its table has to say so.
    rng = np.random.default_rng(3)
    found = predictors.predict(rng.normal(0, 1, (64, 9)), rng.normal(0, 1, 64))
    assert found.detectable_r2 == pytest.approx(0.48) and found.r2.low < 0
