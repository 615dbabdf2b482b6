"""Tail means, order statistics, the band of one more curve, arms of different seeds, seeds for a margin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage_curves import band_coverage
from momentum_jax.analysis.inference.intervals import wilson_interval
from momentum_jax.analysis.inference.one_more_curve import one_more_curve
from momentum_jax.analysis.inference.order_statistics import median_interval, one_more_interval
from momentum_jax.analysis.inference.precision import seeds_for_mean_within, seeds_for_share_within
from momentum_jax.analysis.inference.tail_mean import tail_mean, tail_mean_interval
from momentum_jax.analysis.inference.unpaired import compare_unpaired_means, compare_unpaired_shares

RNG = np.random.default_rng(0)


def test_the_mean_of_the_worst_share_by_hand():
    values = [1.0, 9, 5, 3]
    assert tail_mean(values, 0.25) == 9 and tail_mean(values, 0.5) == 7 and tail_mean(values, 1) == 4.5
    assert tail_mean(values, 0.375) == pytest.approx((9 + 0.5 * 5) / 1.5)
    assert tail_mean([values, values[::-1]], 0.5).tolist() == [7, 7]


def test_a_tail_of_few_seeds_has_no_interval():
    few, many = tail_mean_interval(RNG.random(99), 0.1), tail_mean_interval(RNG.random(100), 0.1)
    assert np.isnan(few.low) and few.flag == "fewer than 10 seeds in the tail"
    assert many.low < many.estimate < many.high and not many.flag


def test_the_interval_of_a_median_is_that_of_scipy():
    values = RNG.exponential(size=(40, 3))
    values[:11, 2] = np.nan
    low, high = median_interval(values, 0.95)
    for column in range(3):
        known = values[:, column][~np.isnan(values[:, column])]
        expected = stats.quantile_test(known, p=0.5).confidence_interval(0.95)
        assert (low[column], high[column]) == (expected.low, expected.high)
    assert np.isnan(median_interval(values[:5])[0]).all()


def test_one_more_seed_lies_between_order_statistics():
    low, high = one_more_interval(np.arange(39.0)[:, None])
    assert (low[0], high[0]) == (0, 38)
    low, high = one_more_interval(np.arange(79.0)[:, None])
    assert (low[0], high[0]) == (1, 77)
    assert np.isnan(one_more_interval(np.arange(38.0)[:, None])[0]).all()


@pytest.mark.parametrize("kind", ["normal", "skewed", "smooth"])
def test_the_band_holds_one_more_curve_as_often_as_it_promises(kind):
    found = band_coverage(kind, 32, 60)
    assert found["promised"] == pytest.approx(100 * 32 / 33) and found["held"] >= found["promised"] - 1.5


def test_the_band_follows_the_spread_and_few_seeds_are_said():
    curves = RNG.normal(size=(60, 20)) * np.linspace(1, 5, 20)
    band = one_more_curve(curves)
    width = band.high - band.low
    assert width[-3:].mean() / width[:3].mean() == pytest.approx(5, rel=0.5) and not band.flag
    few = one_more_curve(curves[:10])
    assert few.flag == "seeds' largest distance" and few.confidence == pytest.approx(10 / 11)
    assert np.isnan(one_more_curve(curves[:5]).low).all()


def test_a_seed_is_scored_by_the_others():
    curves = np.zeros((10, 3)) + np.linspace(0, 1, 10)[:, None]
    curves[0, 1] = 100.0
    own = (100 - curves[1:, 1].mean()) / curves[1:, 1].std(ddof=1)
    band = one_more_curve(curves)
    assert (band.high - band.low)[1] / 2 == pytest.approx(own * curves[:, 1].std(ddof=1))


def test_arms_of_different_seeds_by_other_means():
    a, b = RNG.normal(1, 1, 40), RNG.normal(0, 2, 60)
    found = compare_unpaired_means(a, np.append(b, np.nan))
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found.seeds == (40, 60) and found.difference.estimate == pytest.approx(a.mean() - b.mean())
    assert (found.difference.low, found.difference.high) == pytest.approx((welch.low, welch.high), abs=0.05)
    permuted = stats.permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=4_000, rng=1).pvalue
    assert found.p_value == pytest.approx(permuted, abs=0.004)


def test_shares_of_different_seeds_are_fishers_and_newcombes():
    found = compare_unpaired_shares([1] * 56 + [0] * 14, [1] * 48 + [0] * 32)
    # Newcombe 1998, table II, (a) 56/70 - 48/80, method 10.
    assert (found.difference.low, found.difference.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert found.p_value == pytest.approx(stats.fisher_exact([[56, 14], [48, 32]]).pvalue)


def test_constant_and_single_seeds_are_flagged():
    assert compare_unpaired_means([1, 1, 1], [0, 0, 0]).difference.flag == "constant"
    assert compare_unpaired_means([1], [0, 2]).difference.flag == "one seed"
    assert compare_unpaired_means([np.nan], [0, 2]).difference.flag == "no seeds"
    assert compare_unpaired_shares([], [1.0]).difference.flag == "no seeds"


def test_so_many_seeds_bring_the_interval_down_to_the_margin_and_one_fewer_does_not():
    for share, margin in ((0.5, 0.1), (0.05, 0.05), (0.0, 0.1)):
        needed = seeds_for_share_within(share, margin)
        widths = [np.subtract(*wilson_interval(round(share * n), n)[2:0:-1]) / 2 for n in (needed, needed - 1)]
        if share in (0.0, 0.5) and needed % 2 == 0:
            assert widths[0] <= margin < widths[1] + 1e-3
    assert seeds_for_share_within(0.5, 0.1) == 93
    needed = seeds_for_mean_within(2.0, 0.5)
    half = [stats.t.isf(0.025, n - 1) * 2 / n**0.5 for n in (needed, needed - 1)]
    assert half[0] <= 0.5 < half[1]
    assert seeds_for_mean_within(1.0, 1e-6) is None and seeds_for_share_within(0.5, 0.001) is None
