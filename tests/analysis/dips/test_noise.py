"""Thresholds from nulls: the specification's table, design effects over time, controls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from momentum_jax.analysis.dips.design_effect import binomial_sigma, design_effect
from momentum_jax.analysis.dips.drawdowns import drawdowns
from momentum_jax.analysis.dips.noise import draw_noise, judge_against_control, judge_against_null

STEPS = np.arange(1, 31) * 1_000.0


def sticky_counts(stickiness: np.ndarray, num_seeds: int, decisions: int = 400, seed: int = 0) -> np.ndarray:
    """Counts [seed, window] of chains that repeat their last decision with the window's probability."""
    rng = np.random.default_rng(seed)
    fresh = rng.random((num_seeds, len(stickiness), decisions)) < 0.5
    repeats = rng.random(fresh.shape) < stickiness[:, None]
    repeats[..., 0] = False
    source = np.maximum.accumulate(np.where(repeats, 0, np.arange(decisions)), axis=-1)
    return np.take_along_axis(fresh, source, axis=-1).sum(axis=-1).astype(float)


@pytest.mark.parametrize(
    ("checkpoints", "drawdown", "temporary"),
    [(10, (4.20, 4.91), (3.41, 4.04)), (20, (4.77, 5.43), (4.09, 4.67)), (50, (5.44, 6.03), (4.84, 5.36))],
)
def test_largest_falls_of_noise_are_those_of_the_specification(checkpoints, drawdown, temporary):
    falls = drawdowns(draw_noise(checkpoints, draws=100_000).T)
    np.testing.assert_allclose(np.quantile(falls.drawdown.max(axis=-1), (0.95, 0.99)), drawdown, atol=0.03)
    np.testing.assert_allclose(np.quantile(falls.temporary.max(axis=-1), (0.95, 0.99)), temporary, atol=0.03)


def test_noise_of_an_unsure_sigma_has_students_tails_that_a_block_shares():
    noise = draw_noise(6, freedom=5, block=3, draws=50_000)
    assert np.quantile(noise[0], 0.975) == pytest.approx(stats.t.ppf(0.975, 5), abs=0.06)
    size = np.corrcoef(np.abs(noise))
    assert size[0, 2] > 0.1 and abs(size[0, 3]) < 0.02


def test_sigma_is_in_points_and_never_zero():
    assert binomial_sigma(500, 1_000) == pytest.approx(1.58, abs=0.01)
    assert binomial_sigma(0, 5) > 5 and np.isnan(binomial_sigma(0, 0))
    assert binomial_sigma(500, 1_000, 4.0) == pytest.approx(2 * binomial_sigma(500, 1_000))
    # A window that strayed to 0 % by chance is not taken for a quiet one.
    assert binomial_sigma([50, 0, 50], [100] * 3).min() > 0.9 * binomial_sigma(100, 300) * 3**0.5


@pytest.mark.parametrize("stickiness", [0.0, 0.3, 0.6])
def test_design_effect_of_a_sticky_chain(stickiness):
    counts = sticky_counts(np.full(30, stickiness), 40)
    found = design_effect(STEPS, counts, np.full(counts.shape, 400.0), horizon=30_000)
    assert found.effect.mean() == pytest.approx((1 + stickiness) / (1 - stickiness), rel=0.1)
    assert found.block == 1 and found.freedom == 39 and not found.flag


@pytest.mark.parametrize("num_seeds", [64, 6])
def test_design_effect_follows_time_and_takes_in_nothing_later_than_the_horizon(num_seeds):
    stickiness = np.where((STEPS > 5_000) & (STEPS <= 10_000), 0.8, 0.0)
    counts = sticky_counts(stickiness, num_seeds)
    totals = np.full(counts.shape, 400.0)
    found = design_effect(STEPS, counts, totals, horizon=20_000)
    assert found.effect[7] == pytest.approx(9, rel=0.6) and found.effect[15] < 2.5
    noisy = counts.copy()
    noisy[:, 20:] = np.random.default_rng(1).integers(0, 400, noisy[:, 20:].shape)
    later = design_effect(STEPS, noisy, totals, horizon=20_000)
    np.testing.assert_array_equal(later.effect[:20], found.effect[:20])
    assert later.effect[20:].min() > 10


def test_unequal_windows_are_compared_with_a_line_in_steps():
    steps = np.array([1, 2, 3, 4, 5, 10, 15, 16, 17, 25]) * 1_000.0
    rng = np.random.default_rng(2)
    slopes = rng.normal(0, 0.005, (60, 1))  # each seed has its own straight line
    counts = rng.binomial(2_000, 0.5 + slopes * steps / 1_000)
    assert design_effect(steps, counts, np.full(counts.shape, 2_000.0)).effect.max() < 1.8


def test_design_effect_ignores_what_seeds_share_and_what_the_policy_itself_did():
    rng = np.random.default_rng(1)
    rate = 0.5 + 0.3 * np.sin(np.arange(30))
    counts = rng.binomial(400, rate, (60, 30))
    totals = np.full(counts.shape, 400.0)
    assert design_effect(STEPS, counts, totals, 30_000).effect.mean() < 1.1
    exact = 0.5 + rng.normal(0, 0.08, (60, 31))
    moved = rng.binomial(400, (exact[:, 1:] + exact[:, :-1]) / 2)
    raw = design_effect(STEPS, moved, totals, 30_000).effect.mean()
    told = design_effect(STEPS, moved, totals, 30_000, 100 * exact[:, 1:]).effect[1:].mean()
    assert raw > 2 and told == pytest.approx(1, abs=0.15)


def test_one_seed_has_no_design_effect_and_no_verdict():
    counts = sticky_counts(np.full(30, 0.6), 1)
    found = design_effect(STEPS, counts, np.full(counts.shape, 400.0))
    assert found.flag == "one seed" and np.isnan(found.effect).all()
    test = judge_against_null(STEPS, counts / 4, binomial_sigma(counts, np.full(counts.shape, 400.0), found.effect))
    assert not test.exists.any() and np.isnan(test.by_chance).all() and np.isnan(test.fall).all()
    assert design_effect(STEPS, counts[:0], counts[:0]).flag == "no seeds"


def test_a_real_dip_is_found_and_noise_of_the_same_size_is_not():
    steps = np.arange(20) * 1_000
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 2, (600, 20))
    dip = np.where((steps >= 8_000) & (steps <= 11_000), -25.0, 0.0)
    assert 0.02 <= judge_against_null(steps, noise, np.full(20, 2.0)).exists.mean() <= 0.065
    found = judge_against_null(steps, noise + dip, np.full(20, 2.0))
    assert found.exists.all() and found.comes_back.all()
    lasting = judge_against_null(steps, noise + np.where(steps >= 8_000, -25.0, 0.0), np.full(20, 2.0))
    assert lasting.exists.all() and lasting.comes_back.mean() < 0.1
    naive = (noise.max(axis=1, keepdims=True) - noise).max(axis=1) > 1.96 * 2
    assert naive.mean() > 0.9  # what a threshold of 1.96 sigma would find in pure noise


def test_a_fall_exists_where_it_exceeds_what_chance_makes_there():
    rng = np.random.default_rng(3)
    u, sigma = rng.normal(0, 3, (300, 20)) - np.linspace(0, 8, 20), np.full(20, 3.0)
    found = judge_against_null(np.arange(20) * 1_000, u, sigma)
    np.testing.assert_array_equal(found.exists, found.fall > found.by_chance)
    assert 0.1 < found.exists.mean() < 0.9
    # All deviations alike: the clearest fall is the largest, and one threshold holds for all of the seeds.
    np.testing.assert_allclose(found.fall, drawdowns(u).drawdown.max(axis=-1))


def test_a_curve_that_rose_for_certain_leaves_chance_less_room():
    steps = np.arange(20) * 1_000
    rng = np.random.default_rng(4)
    flat, risen = np.zeros(20), np.where(steps >= 8_000, 60.0, 0.0)
    noise = rng.normal(0, 2, (400, 20))
    loose, tight = (judge_against_null(steps, noise + curve, np.full(20, 2.0)) for curve in (flat, risen))
    assert tight.by_chance.mean() < loose.by_chance.mean() - 0.3
    assert tight.exists.mean() <= 0.065  # and holds its level all the same


def test_a_dip_comes_back_where_the_way_back_exceeds_what_chance_makes():
    steps, sigma = np.arange(6) * 1_000, np.ones(6)
    threshold = float(judge_against_null(steps, np.array([20.0, 20, 0, 0, 0, 0]), sigma).by_chance)
    for back, comes_back in ((0.9 * threshold, False), (1.1 * threshold, True)):
        found = judge_against_null(steps, np.array([20.0, 20, 0, 0, back, back]), sigma)
        assert found.exists and bool(found.comes_back) == comes_back


def test_gaps_and_the_horizon_bound_what_is_judged():
    steps, u = np.array([0, 1, 2, 3]) * 10_000.0, np.array([90.0, 50, 40, 0])
    assert judge_against_null(steps, u, np.ones(4), horizon=20_000).fall == 50
    assert judge_against_null(steps, u, np.ones(4), horizon=20_000, baseline_step=10_000).fall == 10
    gap = judge_against_null(steps, np.array([90.0, np.nan, 85, 95]), np.ones(4), horizon=20_000)
    assert gap.fall == 5 and gap.exists and gap.comes_back
    assert np.isnan(judge_against_null(steps, u, np.ones(4), horizon=0).fall)


def test_a_control_arm_gives_thresholds_only_at_levels_it_can_show():
    control = np.arange(1.0, 20.0)  # 19 seeds: the largest is exceeded by one more with probability 1/20
    found = judge_against_control([0.5, 19.5, np.nan], control)
    assert found.threshold == 19 and found.control_seeds == 19
    np.testing.assert_allclose(found.p_values, [1.0, 1 / 20, np.nan])
    assert np.isnan(judge_against_control([5.0], control[:10]).threshold)


def test_a_run_that_ends_before_the_baseline_is_not_judged():
    test = judge_against_null([0, 512], [[50.0, 20.0]], [[1.0, 1.0]], baseline_step=5_000)
    assert np.isnan(test.fall).all() and np.isnan(test.by_chance).all()
    assert not test.exists.any() and test.exists.shape == (1,)
