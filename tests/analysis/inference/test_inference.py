"""Paired tests, recovery, doses, shares of variance, power, placement against known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from momentum_jax.analysis.inference import few_seeds, mean_power, multiplicity, power
from momentum_jax.analysis.inference.bounded import bounded_mean_interval
from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.paired import compare_means, compare_shares
from momentum_jax.analysis.inference.placement import place_among
from momentum_jax.analysis.inference.recovery import recovery_curve, recovery_sensitivity
from momentum_jax.analysis.inference.variance import stream_shares


def test_sign_flips_are_exact_for_few_pairs():
    difference = np.array([1.2, 0.4, -0.3, 2.2, 0.9, 1.1, 0.2])
    exact = stats.permutation_test((difference,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert compare_means(difference, np.zeros(7)).p_value == pytest.approx(exact)


def test_sign_flips_of_many_pairs_agree_with_scipy():
    rng = np.random.default_rng(0)
    difference = rng.normal(0.3, 1, 40)
    theirs = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", n_resamples=9_999, rng=rng
    ).pvalue
    assert compare_means(difference, np.zeros(40)).p_value == pytest.approx(theirs, abs=0.015)


def test_pairing_narrows_the_interval_and_is_reported():
    rng = np.random.default_rng(1)
    seed_effect = rng.normal(0, 10, 32)
    arm, reference = seed_effect - 2 + rng.normal(0, 1, 32), seed_effect + rng.normal(0, 1, 32)
    paired, shuffled = compare_means(arm, reference), compare_means(arm, reference[::-1])
    assert paired.correlation > 0.95 and paired.p_value < 0.001 < shuffled.p_value
    assert paired.difference.high < 0 and shuffled.difference.high > 0


def test_equal_arms_give_a_flagged_point():
    same = compare_means(np.arange(8.0), np.arange(8.0))
    assert same.difference.flag == "constant" and same.p_value == 1 and same.difference[:3] == (0, 0, 0)


def test_arms_of_different_seeds_are_refused():
    with pytest.raises(ValueError, match="same seeds"):
        compare_means(np.zeros(3), np.zeros(4))


def test_mcnemar_agrees_with_statsmodels():
    arm = np.array([1] * 12 + [0] * 8 + [1] * 2 + [0] * 10)
    reference = np.array([1] * 12 + [1] * 8 + [0] * 2 + [0] * 10)
    found = compare_shares(arm, reference)
    assert (found.only_arm, found.only_reference, found.pairs) == (2, 8, 32)
    assert found.p_value == pytest.approx(mcnemar([[12, 2], [8, 10]], exact=True).pvalue)
    assert found.difference.estimate == pytest.approx(-6 / 32)
    assert found.difference.low < -6 / 32 < found.difference.high


def test_newcombes_published_example():
    # Newcombe (1998), table II, row (36, 12, 2, 0): difference 0.2, method 10 gives 0.0569 to 0.3404.
    arm = np.array([1] * 36 + [1] * 12 + [0] * 2)
    reference = np.array([1] * 36 + [0] * 12 + [1] * 2)
    difference = compare_shares(arm, reference).difference
    assert (difference.low, difference.high) == pytest.approx((0.0569, 0.3404), abs=0.004)


def test_holm_and_benjamini_hochberg_by_role():
    tests = pd.DataFrame(
        {
            "p_value": [0.04, 0.01, 0.03, 0.01, 0.02, np.nan],
            "role": ["primary", *["confirmatory"] * 2, *["exploratory"] * 3],
        }
    )
    np.testing.assert_allclose(multiplicity.adjust_by_role(tests), [0.04, 0.02, 0.03, 0.02, 0.02, np.nan])
    with pytest.raises(ValueError, match="primary"):
        multiplicity.adjust_by_role(tests.assign(role="primary"))
    with pytest.raises(ValueError, match="roles"):
        multiplicity.adjust_by_role(tests.assign(role="secondary"))


def test_recovery_counts_censored_dips_while_they_are_at_risk():
    curve = recovery_curve([1_000, 2_000, 2_000, 3_000], [False, False, True, True])
    # Product of 3/4 and 2/3; the censored dips leave without an event.
    np.testing.assert_allclose(curve.recovered, [0.25, 0.5, 0.5])
    assert curve.at_risk.tolist() == [4, 3, 1] and curve.median == 2_000
    assert (curve.low <= curve.recovered).all() and (curve.recovered <= curve.high).all()


@pytest.mark.parametrize("censored", [True, False])
def test_recovery_of_none_or_all_has_limits(censored):
    curve = recovery_curve([5_000] * 6, [censored] * 6)
    assert np.isfinite([curve.low, curve.high]).all()
    assert curve.flag == ("no dip recovered" if censored else "")
    assert curve.median == (np.inf if censored else 5_000)
    assert curve.high[-1] > curve.low[-1]


def test_without_dips_recovery_is_flagged():
    assert recovery_curve([], []).flag == "no dips"


def test_both_ends_of_the_recovery_interval_are_drawn():
    steps = np.array([0, 5_000, 10_000, 15_000, 20_000])
    found = recovery_sensitivity(steps, [5_000.0, 5_000.0], [12_000.0, np.nan], 20_000)
    assert [curve.steps.tolist() for curve in found] == [[5_000, 15_000], [7_000, 15_000], [10_000, 15_000]]


def test_dose_trend_with_paired_seeds():
    rng = np.random.default_rng(2)
    doses = np.array([0.02, 0.06, 0.08, 0.10])
    outcomes = rng.normal(0, 20, 24) - 50 * doses[:, None] + rng.normal(0, 0.5, (4, 24))
    trend = dose_trend(doses, outcomes)
    assert trend.slope.low < -50 < trend.slope.high < 0 and trend.p_value < 0.001 and trend.page_p_value < 0.001
    assert dose_trend(doses, np.ones((4, 5))).slope.flag == "constant"
    with pytest.raises(ValueError, match="doses"):
        dose_trend([0.1, 0.1], np.ones((2, 5)))


def test_stream_shares_of_the_ishigami_function():
    # Saltelli et al.: S = 0.314, 0.442, 0; T = 0.558, 0.442, 0.244.
    rng = np.random.default_rng(3)

    def ishigami(x):
        return np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])

    a, b = rng.uniform(-np.pi, np.pi, (2, 3, 2_000))
    mixed = [ishigami(np.where(np.arange(3)[:, None] == i, b, a)) for i in range(3)]
    shares = stream_shares(ishigami(a), ishigami(b), mixed)
    np.testing.assert_allclose([share.first.estimate for share in shares], [0.314, 0.442, 0], atol=0.08)
    np.testing.assert_allclose([share.total.estimate for share in shares], [0.558, 0.442, 0.244], atol=0.05)
    assert all(share.total.low <= share.total.estimate <= share.total.high for share in shares)
    assert not any(share.flag for share in shares) and not shares[0].flags


def test_a_share_that_no_part_of_a_variance_can_be_is_flagged():
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, (2, 128))
    inside, outside = stream_shares(a, b, np.stack([(a + b) / 2**0.5, -3 * a]))
    assert not inside.flags and 0 < inside.total.estimate < 1
    assert outside.total.estimate > 1 and outside.first.estimate < 0
    assert (outside.first.flag, outside.total.flag) == ("below 0", "above 1")
    assert outside.flags == "first below 0, total above 1"
    few = stream_shares(a[:50], b[:50], np.stack([-3 * a[:50]]))[0]
    assert few.flags == "fewer than 128 pairs, first below 0, total above 1"


def test_stream_shares_of_few_or_constant_outcomes_are_flagged():
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, (2, 20))
    assert stream_shares(a, b, [a, b])[0].flag == "fewer than 128 pairs"
    still = stream_shares(np.ones(200), np.ones(200), np.ones((2, 200)))
    assert still[0].flag == "constant" and still[0].first[:3] == (0, 0, 0)


def test_paired_power_agrees_with_simulation_and_unpaired_with_more_seeds():
    rng = np.random.default_rng(5)
    first = rng.random((300, 32))
    found = [compare_shares(row < 0.9, row < 0.5).p_value <= 0.05 for row in first]
    # Seeds that share everything: those with a dip at 0.5 all have one at 0.9.
    assert power.prevalence_power(0.9, 0.5, 32, 1.0) == pytest.approx(np.mean(found), abs=0.06)
    assert power.prevalence_power(0.9, 0.5, 32, 0.3) > power.prevalence_power(0.9, 0.5, 32, 0.0)
    assert power.prevalence_power(0.5, 0.5, 32, 0.0) <= 0.05


@pytest.mark.parametrize("correlation", [None, 0.3])
@pytest.mark.parametrize(("arm", "reference"), [(0.5, 0.9), (1.0, 0.05), (0.5, 0.7)])
def test_from_the_seeds_needed_on_the_power_is_there(arm, reference, correlation):
    number = power.seeds_needed(arm, reference, correlation)
    assert number == 6 or power.prevalence_power(arm, reference, number - 1, correlation) < 0.8
    powers = [power.prevalence_power(arm, reference, number + more, correlation) for more in (0, 1, 2, 3, 5)]
    assert min(powers) >= 0.8 - (0.01 if number > 64 else 0)
    assert power.seeds_needed(0.5, 0.505, correlation) is None


@pytest.mark.parametrize(("arm", "reference", "num_seeds", "alpha"), [(0.9, 0.5, 8, 0.05), (0.3, 0.6, 15, 0.01)])
def test_the_power_for_other_seeds_is_that_of_fishers_exact_test(arm, reference, num_seeds, alpha):
    expected = 0.0
    for a, b in np.ndindex(num_seeds + 1, num_seeds + 1):
        if stats.fisher_exact([[a, num_seeds - a], [b, num_seeds - b]]).pvalue <= alpha:
            expected += stats.binom.pmf(a, num_seeds, arm) * stats.binom.pmf(b, num_seeds, reference)
    assert power.prevalence_power(arm, reference, num_seeds, alpha=alpha) == pytest.approx(expected)
    # 16 of 16 seeds dip: the interval's end says 94 %, of which four seeds find 64 % and not 80.
    assert power.prevalence_power(0.943, 0.05, 4) == pytest.approx(0.644, abs=0.001)


def test_the_smallest_difference_of_means_is_cohens():
    unpaired = mean_power.smallest_mean_difference(5.0, 64)
    assert unpaired == pytest.approx(2.5, abs=0.02)  # Cohen's table: d = 0.5 needs 64 a group
    assert mean_power.smallest_mean_difference(5.0, 64, 0.9) < 0.4 * unpaired


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 40])
def test_no_size_is_below_what_the_sign_flip_test_can_decide(alpha):
    fewest = mean_power.fewest_that_decide(paired=True, alpha=alpha)
    clearest = [compare_means(np.arange(9.0, 9 + number), np.zeros(number)).p_value for number in (fewest - 1, fewest)]
    assert clearest[0] > alpha >= clearest[1]
    assert mean_power.seeds_for_mean_difference(1e6, 1.0, 0.5, alpha=alpha) == fewest
    assert mean_power.smallest_mean_difference(1.0, fewest - 1, 0.5, alpha=alpha) == np.inf
    permuted = stats.permutation_test((np.arange(9.0, 13), np.arange(4.0)), lambda a, b: a.mean() - b.mean())
    assert mean_power.fewest_that_decide(paired=False) == 4 and permuted.pvalue <= 0.05
    assert mean_power.fewest_that_decide(paired=True, alpha=1e-5) is None  # 9 999 flips and the data cannot show it


def test_no_size_is_promised_that_is_given_no_verdict():
    # Four seeds an arm against four reach 5 % in a permutation, and in Fisher's test with all against none.
    assert power.prevalence_power(1.0, 0.05, 4) > 0.8
    assert power.seeds_needed(1.0, 0.05) == few_seeds.MIN_SEEDS == 6
    assert mean_power.seeds_for_mean_difference(1e6, 1.0) == 6
    assert mean_power.smallest_mean_difference(1.0, 5) == np.inf
    assert few_seeds.enough(6) and not few_seeds.enough(5)


@pytest.mark.parametrize(("num_seeds", "alpha"), [(6, 0.05), (12, 0.05), (13, 0.05 / 40), (32, 0.05)])
def test_the_smallest_difference_is_found_as_often_as_promised_by_the_test_itself(num_seeds, alpha):
    rng = np.random.default_rng(0)
    size = mean_power.smallest_mean_difference(1.0, num_seeds, 0.5, alpha=alpha)
    studies = rng.normal(size, 1, (300, num_seeds))
    found = [compare_means(study, np.zeros(num_seeds)).p_value <= alpha for study in studies]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(("successes", "total"), [(0, 6), (1, 16), (5, 8), (40, 64)])
def test_the_bounded_interval_of_zeros_and_ones_is_clopper_and_pearsons(successes, total):
    values = np.arange(total) < successes
    found = bounded_mean_interval(values, 0.0, 1.0)
    expected = stats.binomtest(successes, total).proportion_ci(0.95)
    np.testing.assert_allclose(found[1:3], [expected.low, expected.high], atol=0.008)
    assert found.estimate == pytest.approx(successes / total) and not found.flag


def test_the_bounded_interval_leaves_the_share_that_can_hide_at_the_ends_of_the_range():
    hidden = 1 - 0.025 ** (1 / 8)
    found = bounded_mean_interval(np.full(8, 3.0), 0.0, 100.0)
    np.testing.assert_allclose(found[:3], [3, 3 - 3 * hidden, 3 + 97 * hidden], rtol=0.05)
    assert bounded_mean_interval([np.nan], 0, 1).flag == "no seeds"
    alone = bounded_mean_interval([5.0], 0.0, 10.0)
    assert alone.low < 0.3 and alone.high > 9.7


@given(number=st.integers(39, 200), seed=st.integers(0, 50))
def test_a_prediction_interval_leaves_out_the_tails(number, seed):
    values = np.random.default_rng(seed).normal(0, 1, number)
    place = place_among(0.0, values)
    assert place.confidence >= 0.95 and not place.flag
    assert ((values >= place.low) & (values <= place.high)).sum() == round(place.confidence * (number + 1)) + 1


def test_few_seeds_give_their_range_with_the_confidence_it_has():
    place = place_among(99.0, np.arange(32.0))
    assert (place.low, place.high, place.flag) == (0, 31, "seeds' range")
    assert place.confidence == pytest.approx(31 / 33) and place.p_value == pytest.approx(2 / 33)
    assert place.percentile == 100 and place_among(1.0, []).flag == "no seeds"


@pytest.mark.parametrize(("num_seeds", "correlation"), [(64, None), (3_000, None), (64, 0.5)])
def test_sample_sizes_do_not_need_a_noncentral_t_everywhere(monkeypatch, num_seeds, correlation):
    """SciPy's comes out as NaN at single places, which stopped the search for the difference: 3 000 seeds are one."""
    found = mean_power.smallest_mean_difference(1.0, num_seeds, correlation, alpha=0.025)
    assert found == pytest.approx(np.sqrt((2 if correlation is None else 1) / num_seeds) * 3.083, rel=0.03)
    for test in (mean_power.TTestIndPower, mean_power.TTestPower):
        monkeypatch.setattr(test, "power", lambda *arguments, **options: np.nan)
    mean_power._smallest_effect.cache_clear()
    without = mean_power.smallest_mean_difference(1.0, num_seeds, correlation, alpha=0.025)
    mean_power._smallest_effect.cache_clear()
    assert without == pytest.approx(found, rel=0.005)
