"""How noisy curves are: from standard errors, counts, replicates, the curves themselves; how often a dip is false."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage_curves import found_percent
from momentum_jax.analysis.dips.forgetting import largest_fall_within
from momentum_jax.analysis.dips.noise import chance_of_so_many, draw_noise
from momentum_jax.analysis.dips.noise_estimate import estimated
from momentum_jax.analysis.dips.noise_sources import (
    TOO_FEW_REPLICATES,
    from_counts,
    from_replicates,
    from_standard_errors,
)
from momentum_jax.dips import CurveSet, analyze

STEPS = np.arange(60) * 100.0


def autoregression(correlation, seeds=64, checkpoints=60, seed=0):
    return draw_noise(checkpoints, draws=seeds, seed=seed, correlation=correlation).T.astype(float)


def test_standard_errors_are_the_noise_and_a_value_of_none_is_next_to_exact():
    level = from_standard_errors([[0.0, 2.0, 1.0]])
    assert level.sigma[0, 1:].tolist() == [2, 1] and 0 < level.sigma[0, 0] < 1e-5
    assert level.freedom == np.inf and level.block == 1
    assert from_standard_errors(np.zeros((2, 3))).sigma.max() == 0


def test_replicates_give_the_standard_error_of_their_mean():
    each = np.random.default_rng(0).normal(0, 3, (40, 9, 60))
    level = from_replicates(each)
    assert np.sqrt((level.sigma**2).mean()) == pytest.approx(1, abs=0.03)
    assert (level.freedom == 16).all() and (level.block == 2).all()
    # Variance is pooled over two neighbours, and no more.
    loud = each * np.where(np.arange(60) < 30, 1, 10)
    sigma = from_replicates(loud).sigma.mean(axis=0)
    assert sigma[:29].max() < 1.3 and sigma[30:].min() > 6


def test_replicates_that_are_missing_are_left_out():
    each = np.random.default_rng(0).normal(size=(2, 40, 8))
    each[0, 10:, 3] = np.nan
    level = from_replicates(each)
    # Nine degrees of freedom are too few to be sure: the next checkpoint lends its own.
    squares = 9 * np.var(each[0, :10, 3], ddof=1) + 39 * np.var(each[0, :, 4], ddof=1)
    assert level.sigma[0, 3] == pytest.approx(np.sqrt(squares / 48 / 10))
    assert level.sigma[0, 4] == pytest.approx(np.std(each[0, :, 4], ddof=1) / 40**0.5)
    assert level.freedom.tolist() == [39, 39] and level.block.tolist() == [2, 1]
    assert np.isnan(from_replicates(each[:, :1]).sigma).all() and from_replicates(each[:, :1]).flag == "one replicate"


def test_few_replicates_borrow_from_so_many_neighbours_that_their_noise_is_sure():
    """As of a monitor file: windows of two long episodes early, of twenty short ones later."""
    each = 3 * np.random.default_rng(0).normal(size=(400, 20, 60))
    each[:, 2:, :30] = np.nan
    level = from_replicates(each)
    # 16 degrees of freedom at the least, whatever the windows hold, and not the 19 of the fullest window.
    assert (level.freedom == 16).all() and (level.block == 16).all()
    for part, number in ((slice(0, 20), 2), (slice(35, 60), 20)):
        variance = level.sigma[:, part] ** 2 * number / 9
        assert variance.mean() == pytest.approx(1, abs=0.02)
        assert variance.std() < 1.1 * np.sqrt(2 / 16)


def test_a_curve_with_too_few_replicates_is_as_sure_as_all_of_them_together():
    each = np.random.default_rng(0).normal(size=(3, 2, 8))
    each[:, 1, ::2] = np.nan
    level = from_replicates(each)
    assert (level.freedom == 4).all() and (level.block == 8).all()
    variance = np.var(each[:, :, 1::2], axis=1, ddof=1).mean(axis=1)
    np.testing.assert_allclose(level.sigma[:, 1] ** 2, variance / 2)
    np.testing.assert_allclose(level.sigma[:, 2] ** 2, variance)  # measured once


def test_how_often_one_seed_was_measured_says_nothing_of_the_others():
    rng = np.random.default_rng(1)
    each = 2 * rng.normal(size=(10, 20, 40))
    each[:3, :, 6:10] -= 4
    values, poor = each.mean(axis=1), each.copy()
    poor[9] = np.nan
    poor[9, :2, 3] = values[9, 3] + np.array([-0.5, 0.5])  # one degree of freedom in all: next to nothing is known
    few = poor.copy()
    few[9, 0, :] = values[9] - 0.5
    few[9, 1, :7] = values[9, :7] + 0.5
    few[9, 0, 7:] = values[9, 7:]
    whole, one, seven = (
        analyze(CurveSet(values=values[None], steps=np.arange(40), replicates=r[None], good="up"), threshold=1.0)
        for r in (each, poor, few)
    )
    for found, judged in ((one, 9), (seven, 10)):
        assert found.seeds["noise_floor"][:9].tolist() == pytest.approx(whole.seeds["noise_floor"][:9].tolist())
        assert found.seeds["judged"].sum() == judged and found.seeds["is_dip"].sum() == 3
    assert "1 of 10 seeds are not judged" in " ".join(one.caveats)
    assert seven.seeds["noise_floor"][9] > whole.seeds["noise_floor"][9]
    assert from_replicates(each[:, :2, :3]).flag == TOO_FEW_REPLICATES


def test_counts_have_a_design_effect_over_seeds_and_one_seed_is_taken_to_be_independent():
    rng = np.random.default_rng(0)
    share = rng.beta(5, 5, (40, 60))  # each window has a rate of its own: more than binomial noise
    counts, totals = rng.binomial(100, share).astype(float), np.full((40, 60), 100.0)
    assert from_counts(STEPS, counts, totals, 2_000).sigma.mean() == pytest.approx(100 * np.std(counts / 100), rel=0.15)
    alone = from_counts(STEPS, counts[:1], totals[:1], 2_000)
    assert alone.flag == "one seed" and alone.sigma.mean() == pytest.approx(5, rel=0.1)


def test_a_checkpoint_before_any_count_has_no_noise():
    totals = np.full((8, 60), 100.0)
    totals[:, 0] = 0
    level = from_counts(STEPS, totals / 2, totals, 2_000)
    assert np.isnan(level.sigma[:, 0]).all() and np.isfinite(level.sigma[:, 1:]).all()


def test_a_missing_count_leaves_its_neighbours_their_noise():
    counts, totals = np.full((8, 60), 50.0), np.full((8, 60), 100.0)
    counts[0, 30] = totals[0, 30] = np.nan
    unknown = np.isnan(from_counts(STEPS, counts, totals, 2_000).sigma)
    assert unknown[0, 30] and unknown.sum() == 1


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_the_estimate_finds_size_and_correlation_of_the_noise(correlation):
    trend = 50 * (1 - np.exp(-STEPS / 2_000))
    level = estimated(STEPS, trend + 2 * autoregression(correlation))
    # The largest correlation that 64 seeds of 60 checkpoints allow, and with it the size: no less than the truth.
    assert correlation <= level.correlation <= correlation + 0.25
    assert 0.98 < np.sqrt((level.sigma**2).mean()) / 2 < 1.2 + 0.5 * correlation
    assert level.tails > 20


def test_checkpoints_that_one_seed_alone_has_say_nothing_of_its_noise():
    curves = 2 * autoregression(0.0, 8)
    curves[1:, 20:] = np.nan
    assert 1.6 < estimated(STEPS, curves).sigma[0].mean() < 5


def test_the_estimate_finds_each_seeds_level_and_the_course_over_time():
    loudness, course = np.linspace(1, 5, 64)[:, None], np.linspace(0.5, 1.5, 60)
    level = estimated(STEPS, loudness * course * autoregression(0.0))
    assert np.corrcoef(level.sigma[:, 30], loudness[:, 0])[0, 1] > 0.9
    assert level.sigma[:, 55].mean() / level.sigma[:, 4].mean() == pytest.approx(course[55] / course[4], rel=0.25)


def test_true_dips_do_not_pass_for_lasting_noise():
    """Their bends are alike, but at other steps the seeds lie no further apart than independent errors do."""
    curves = autoregression(0.0, 24, 40)
    curves[:12] -= 24 * np.exp(-(((np.arange(40) - 6) / 1.6) ** 2))
    assert estimated(STEPS[:40], curves).correlation < 0.6


def test_curves_that_stay_at_their_cap_have_the_noise_of_the_way_there():
    """Their bends are 0 there, which says nothing of how long errors last."""
    curves = 10 * autoregression(0.0, 16)
    curves[:, 24:] = 500
    level = estimated(STEPS, curves)
    assert level.correlation < 0.5 and 9 < level.sigma[:, :20].mean() < 16
    assert found_percent("estimated", "flat", "none at the cap", 16, 20) < 6


@pytest.mark.parametrize("noise", ["mean of 20 checkpoints", "a random walk"])
@pytest.mark.parametrize(("seeds", "studies"), [(1, 60), (2, 30)])
def test_smooth_noise_of_few_seeds_makes_few_false_dips(noise, seeds, studies):
    """As trainers log it: the mean return of the last episodes. As independent errors it made 60 % of dips."""
    assert found_percent("estimated", "flat", noise, seeds, studies) < 20


def test_the_estimate_finds_heavy_tails():
    heavy = stats.t.rvs(4, size=(64, 60), random_state=1)
    assert estimated(STEPS, heavy).tails < 8
    assert estimated(STEPS, heavy[:2]).tails == np.inf  # too few bends to tell


def test_uneven_steps_are_compared_with_a_line_in_steps():
    uneven = np.cumsum(np.tile([1.0, 5, 1, 9], 15))
    slopes = np.random.default_rng(0).normal(0, 1, (40, 1))
    level = estimated(uneven, slopes * uneven + 0.1 * autoregression(0.0, 40))
    assert np.sqrt((level.sigma**2).mean()) == pytest.approx(0.1, rel=0.1)


def test_lasting_noise_and_heavy_tails_are_drawn_as_asked():
    noise = draw_noise(4, draws=40_000, correlation=0.5)
    np.testing.assert_allclose(np.corrcoef(noise)[0], [1, 0.5, 0.25, 0.125], atol=0.02)
    heavy = draw_noise(2, draws=40_000, tails=5)
    assert heavy.std() == pytest.approx(1, abs=0.03)
    assert np.quantile(heavy, 0.999) == pytest.approx(stats.t.ppf(0.999, 5) * (3 / 5) ** 0.5, rel=0.1)


@pytest.mark.parametrize("source", ["standard_errors", "replicates", "counts", "estimated"])
def test_a_dip_is_rarely_found_where_there_is_none_and_mostly_where_there_is_one(source):
    # 640 seeds: a rate of 5 % has a standard error of 0.9.
    assert found_percent(source, "flat", "the same", 64, 10) <= 7
    assert found_percent(source, "rises and levels off", "the same", 64, 3) <= 3
    if source != "counts":
        assert found_percent(source, "flat", "the same", 64, 1, dip=6.0) >= 90


@pytest.mark.parametrize("noise", ["heavy tails (t, 4)", "lasts (correlation 0.6)", "its own in each seed"])
def test_the_estimate_keeps_its_level_where_the_noise_is_not_simple(noise):
    assert found_percent("estimated", "flat", noise, 64, 6) <= 8


def test_the_chance_of_so_many_false_dips():
    assert chance_of_so_many(2, 40, 0.05) == pytest.approx(1 - 0.95**40 - 40 * 0.05 * 0.95**39)
    assert chance_of_so_many(0, 40) == 1 and np.isnan(chance_of_so_many(0, 0))


def test_the_largest_fall_within_a_window_by_hand():
    steps, curve = [0, 1, 2, 4, 8], [[5.0, np.nan, 3, 4, 0], [0, 1, 2, 3, 4]]
    for window, expected in ((2, [2, 0]), (4, [4, 0]), (8, [5, 0])):
        assert largest_fall_within(steps, curve, 1, window, 8, 0).tolist() == expected
    assert largest_fall_within(steps, curve, 1, 8, 4, 0).tolist() == [2, 0]
    assert largest_fall_within(steps, curve, 1, 8, 8, 2).tolist() == [4, 0]
    assert largest_fall_within(steps, curve, -1, 2, 8, 0).tolist() == [1, 2]
    assert np.isnan(largest_fall_within(steps, curve, 1, 0.5, 8, 0)).all()


def test_heavy_tails_of_eight_seeds_make_no_more_dips_than_promised():
    """t(4) noise, flat curves."""
    assert found_percent("estimated", "flat", "heavy tails (t, 4)", 8, 80) < 5.5
    assert found_percent("estimated", "flat", "heavy tails (t, 4)", 8, 20, dip=8.0, every=4) > 85
