"""Bootstrap over seeds against NumPy, SciPy and rliable; bands and intervals of degenerate data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from momentum_jax.analysis.inference.bands import quantile_bands, simultaneous_band
from momentum_jax.analysis.inference.intervals import mean_interval, statistic_interval
from momentum_jax.analysis.inference.resampling import bca_bounds, centre_of, draw_centres, draws_for, resample_counts
from tests import oracle

REFERENCE = {
    "mean": lambda values: values.mean(axis=0),
    "median": lambda values: np.median(values, axis=0),
    "iqm": lambda values: stats.trim_mean(values, 0.25, axis=0),
}


@pytest.mark.parametrize("centre", ["mean", "median", "iqm"])
@given(num_seeds=st.integers(1, 70), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_every_draw_is_the_centre_of_the_seeds_drawn(centre, num_seeds, seed):
    values = np.random.default_rng(seed).normal(50, 10, (num_seeds, 2, 3))
    counts = resample_counts(num_seeds, 20, seed)
    expected = [REFERENCE[centre](np.repeat(values, row.astype(int), axis=0)) for row in counts]
    np.testing.assert_allclose(draw_centres(values, counts, centre), expected, atol=1e-4)
    np.testing.assert_allclose(centre_of(values, centre), REFERENCE[centre](values), atol=1e-4)


@pytest.mark.parametrize("centre", ["mean", "median", "iqm"])
def test_missing_values_are_left_out_of_each_draw(centre):
    rng = np.random.default_rng(1)
    values = rng.normal(50, 10, (40, 6))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 5] = np.nan
    counts = resample_counts(40, 30)
    drawn = draw_centres(values, counts, centre)
    assert np.isnan(drawn[:, 5]).all()
    for row, result in zip(counts.astype(int), drawn, strict=True):
        for column in range(5):
            sample = np.repeat(values[:, column], row)
            np.testing.assert_allclose(result[column], REFERENCE[centre](sample[~np.isnan(sample)]), atol=1e-4)


def test_many_seeds_use_the_window_and_agree_with_numpy():
    values = np.random.default_rng(2).standard_cauchy((2_000, 2))
    counts = resample_counts(2_000, 5)
    expected = [np.median(np.repeat(values, row.astype(int), axis=0), axis=0) for row in counts]
    np.testing.assert_allclose(draw_centres(values, counts, "median"), expected, atol=1e-4)


def test_a_seed_is_drawn_with_its_whole_trajectory():
    start = np.random.default_rng(3).normal(0, 1, 30)
    drawn = draw_centres(np.stack([start, start + 7], axis=1), resample_counts(30, 200), "median")
    np.testing.assert_allclose(drawn[:, 1] - drawn[:, 0], 7, atol=1e-4)


def test_counts_draw_each_seed_alike():
    counts = resample_counts(50, 4_000)
    assert (counts.sum(axis=1) == 50).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.1)
    np.testing.assert_allclose(counts.var(axis=0), 1 - 1 / 50, atol=0.15)


def test_bca_of_a_mean_agrees_with_scipy():
    values = np.random.default_rng(4).lognormal(0, 1, 60)
    own = mean_interval(values)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(5))
    scale = theirs.standard_error
    assert own.low == pytest.approx(theirs.confidence_interval.low, abs=0.1 * scale)
    assert own.high == pytest.approx(theirs.confidence_interval.high, abs=0.2 * scale)
    symmetric = 2 * values.mean() - own.low
    assert own.high > symmetric + 0.1 * scale  # a percentile or normal interval would not lean to the right so far


def test_bca_of_any_statistic_agrees_with_scipy():
    rng = np.random.default_rng(6)
    x = rng.normal(0, 1, 80)
    y = 0.6 * x + rng.normal(0, 0.8, 80)

    def correlation(a, b, axis=-1):
        a, b = (values - values.mean(axis=axis, keepdims=True) for values in (a, b))
        return (a * b).sum(axis=axis) / np.sqrt((a**2).sum(axis=axis) * (b**2).sum(axis=axis))

    own = statistic_interval((x, y), correlation)
    theirs = stats.bootstrap((x, y), correlation, paired=True, n_resamples=9_999, rng=rng).confidence_interval
    assert (own.low, own.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_bca_works_on_many_columns_at_once():
    values = np.random.default_rng(7).gamma(2, 1, (40, 3))
    counts = resample_counts(40, 999)
    jackknife = (values.sum(axis=0) - values) / 39
    together = bca_bounds(draw_centres(values, counts, "mean"), values.mean(axis=0), jackknife, 0.95)
    for column in range(3):
        one = values[:, column]
        alone = bca_bounds(draw_centres(one, counts, "mean"), one.mean(), jackknife[:, column], 0.95)
        np.testing.assert_allclose([together.low[column], together.high[column]], alone, atol=1e-5)


def test_interquartile_mean_agrees_with_rliable():
    _, metrics = oracle.rliable()
    scores = np.random.default_rng(8).gamma(2, 5, 64)
    assert centre_of(scores, "iqm") == pytest.approx(metrics.aggregate_iqm(scores[:, None]), abs=1e-5)


def test_interval_of_the_interquartile_mean_agrees_with_rliable():
    library, metrics = oracle.rliable()
    scores = np.random.default_rng(8).gamma(2, 5, 64)
    points, intervals = library.get_interval_estimates(
        {"arm": scores[:, None]},
        lambda x: np.array([metrics.aggregate_iqm(x)]),
        reps=5_000,
        random_state=np.random.RandomState(1),
    )
    draws = draw_centres(scores, resample_counts(64, 5_000), "iqm")
    assert centre_of(scores, "iqm") == pytest.approx(points["arm"][0], abs=1e-5)
    np.testing.assert_allclose(np.quantile(draws, [0.025, 0.975]), intervals["arm"][:, 0], atol=0.15 * draws.std())


@pytest.mark.parametrize("centre", ["mean", "median", "iqm"])
def test_constant_curves_give_a_flagged_point(centre):
    band = simultaneous_band(np.full((12, 4), 3.25), centre, draws=200)
    assert band.constant.all()
    np.testing.assert_allclose([band.low, band.high, band.estimate], 3.25)


@pytest.mark.parametrize("centre", ["mean", "median", "iqm"])
def test_a_constant_checkpoint_among_others_is_a_point_and_the_others_are_not(centre):
    curves = np.random.default_rng(9).normal(50, 5, (20, 5))
    curves[:, 0] = 33.3
    band = simultaneous_band(curves, centre, draws=500)
    assert band.constant.tolist() == [True, False, False, False, False]
    assert band.low[0] == band.high[0] == pytest.approx(33.3)
    assert (band.low[1:] < band.estimate[1:]).all() and np.isfinite(band.critical)


@pytest.mark.parametrize("centre", ["mean", "median", "iqm"])
@pytest.mark.parametrize("num_seeds", [1, 2, 5, 6])
def test_below_six_seeds_there_is_no_band(num_seeds, centre):
    curves = np.random.default_rng(9).normal(50, 5, (num_seeds, 4))
    band = simultaneous_band(curves, centre, draws=100)
    few = num_seeds < 6
    assert (band.few == few).all() and not band.constant.any()
    assert (np.isnan(band.low) == few).all() and (np.isnan(band.high) == few).all()
    assert np.isfinite(band.estimate).all()
    assert np.isnan(simultaneous_band(np.ones((5, 3)), centre, draws=50).low).all()  # nor of seeds that are all alike


def test_a_checkpoint_that_few_seeds_have_gets_no_band_and_the_others_do():
    curves = np.random.default_rng(9).normal(50, 5, (12, 4))
    curves[4:, 1] = np.nan
    band = simultaneous_band(curves, draws=200)
    assert band.few.tolist() == [False, True, False, False]
    assert np.isnan(band.low[1]) and (band.low[[0, 2, 3]] < band.high[[0, 2, 3]]).all()


@pytest.mark.parametrize("scale", [1.0, 1.0 / 3.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_rounding_breaks_no_ties_of_whole_outcomes(scale, offset):
    # 16 whole outcomes: one draw in eight has the very mean of the data, and single precision scatters them.
    values = scale * np.array([0.0] * 9 + [1, 1, 2, 2, 3, 5, 7]) + offset
    counts = resample_counts(16, 9_999).astype(np.float64)
    jackknife = (values.sum() - values) / 15
    double = bca_bounds(counts @ values / 16, values.mean(), jackknife, 0.95)
    found = mean_interval(values)
    error = values.std() / 4
    assert abs(found.low - double.low) < 1e-3 * error and abs(found.high - double.high) < 1e-3 * error
    exact = bca_bounds(counts @ np.round((values - offset) / scale) / 16, 1.3125, jackknife / scale, 0.95)
    assert abs((found.low - offset) / scale - exact.low) < 1e-3 * error / scale


def test_the_band_is_wider_than_a_pointwise_interval():
    curves = np.random.default_rng(10).normal(0, 1, (40, 30))
    band = simultaneous_band(curves)
    pointwise = [mean_interval(curves[:, k]) for k in range(30)]
    assert np.mean(band.high - band.low) > 1.3 * np.mean([interval.high - interval.low for interval in pointwise])


def test_quantile_bands():
    curves = np.random.default_rng(11).normal(0, 1, (50, 4))
    curves[3, 1] = np.nan
    curves[:, 2] = np.nan
    bands = quantile_bands(curves, (0.25, 0.5))
    np.testing.assert_allclose(bands[1, 1], np.nanmedian(curves[:, 1]))
    np.testing.assert_allclose(bands[0, 0], np.quantile(curves[:, 0], 0.25))
    assert np.isnan(bands[:, 2]).all()


@pytest.mark.parametrize(
    ("values", "flag"), [([], "no seeds"), ([np.nan], "no seeds"), ([2.0, np.nan], "one seed"), ([2.0] * 9, "constant")]
)
def test_degenerate_means_are_flagged(values, flag):
    interval = mean_interval(values)
    assert interval.flag == flag
    if flag != "no seeds":
        assert interval[:3] == (2.0, 2.0, 2.0)


def test_the_jackknife_of_thousands_is_by_groups_and_says_the_same():
    values = np.random.default_rng(12).gamma(1.0, 1.0, 3_000)
    found = statistic_interval((values,), lambda array: array.mean(axis=-1), draws=999)
    expected = mean_interval(values)
    error = values.std() / 3_000**0.5
    assert found.low == pytest.approx(expected.low, abs=0.25 * error)
    assert found.high == pytest.approx(expected.high, abs=0.25 * error)


def test_draws_are_fewer_of_thousands_of_seeds_and_the_same_ones_are_given_again():
    assert [draws_for(seeds, 9_999) for seeds in (1, 64, 1_000, 10_000, 100_000)] == [9_999, 9_999, 9_999, 1_000, 999]
    counts = resample_counts(50, 200, 3)
    assert resample_counts(50, 200, 3) is counts and not counts.flags.writeable
    assert (counts.sum(axis=1) == 50).all() and (counts >= 0).all() and counts.mean(axis=0).std() > 0
    assert not np.array_equal(resample_counts(50, 200, 4), counts)
