"""Thresholds from nulls: the specification's table, design effects, controls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_jax.analysis.noise import (
    binomial_sigma,
    design_effect,
    isotonic_fit,
    judge_against_control,
    judge_against_null,
    largest_falls,
    null_quantiles,
)


@pytest.mark.parametrize(
    ("checkpoints", "drawdown", "temporary"),
    [(10, (4.20, 4.91), (3.41, 4.04)), (20, (4.77, 5.43), (4.09, 4.67)), (50, (5.44, 6.03), (4.84, 5.36))],
)
def test_null_quantiles_of_the_specification(checkpoints, drawdown, temporary):
    found = null_quantiles(checkpoints)
    np.testing.assert_allclose(found.drawdown, drawdown, atol=0.03)
    np.testing.assert_allclose(found.temporary, temporary, atol=0.03)


def test_sigma_is_in_points_and_never_zero():
    assert binomial_sigma(500, 1_000) == pytest.approx(1.58, abs=0.01)
    assert binomial_sigma(0, 5) > 5 and np.isnan(binomial_sigma(0, 0))
    assert binomial_sigma(500, 1_000, 4.0) == pytest.approx(2 * binomial_sigma(500, 1_000))


@pytest.mark.parametrize("stickiness", [0.0, 0.3, 0.6])
def test_design_effect_of_a_sticky_chain(stickiness):
    rng = np.random.default_rng(0)
    fresh = rng.random((40, 30, 400)) < 0.5
    repeats = rng.random(fresh.shape) < stickiness
    repeats[..., 0] = False
    source = np.maximum.accumulate(np.where(repeats, 0, np.arange(400)), axis=-1)
    counts = np.take_along_axis(fresh, source, axis=-1).sum(axis=-1)
    assert design_effect(counts, np.full(counts.shape, 400)) == pytest.approx(
        (1 + stickiness) / (1 - stickiness), rel=0.1
    )


def test_design_effect_ignores_what_seeds_share():
    rng = np.random.default_rng(1)
    rate = 0.5 + 0.3 * np.sin(np.arange(30))
    counts = rng.binomial(400, rate, (60, 30))
    assert design_effect(counts, np.full(counts.shape, 400)) < 1.2


def test_a_real_dip_is_found_and_noise_of_the_same_size_is_not():
    steps = np.arange(20) * 1_000
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 2, (600, 20))
    dip = np.where((steps >= 8_000) & (steps <= 11_000), -25.0, 0.0)
    sigma = np.full((600, 20), 2.0)
    assert judge_against_null(steps, noise, sigma, draws=1_000).exists.mean() <= 0.065
    found = judge_against_null(steps, noise + dip, sigma, draws=1_000)
    assert found.exists.all() and found.comes_back.all() and (found.temporary_p < 0.01).all()
    naive = (noise.max(axis=1, keepdims=True) - noise).max(axis=1) > 1.96 * 2
    assert naive.mean() > 0.9  # what a threshold of 1.96 sigma would find in pure noise


def test_each_checkpoint_has_its_own_sigma():
    steps = np.arange(20) * 1_000
    sigma = np.where(np.arange(20) == 10, 20.0, 1.0)
    alike = judge_against_null(steps, np.zeros(20), np.ones(20), draws=1_000)
    loud = judge_against_null(steps, np.zeros(20), sigma, draws=1_000)
    assert loud.temporary_threshold > 5 * alike.temporary_threshold
    gap = np.where(np.arange(20) == 10, np.nan, sigma)
    assert judge_against_null(steps, np.zeros(20), gap, draws=1_000).drawdown_threshold < 7


def test_the_isotonic_null_expects_smaller_falls_of_a_rising_curve():
    steps = np.arange(20) * 1_000
    u, sigma = np.linspace(0, 40, 20), np.full(20, 2.0)
    flat = judge_against_null(steps, u, sigma, draws=1_000)
    rising = judge_against_null(steps, u, sigma, null=isotonic_fit(u, sigma), draws=1_000)
    assert rising.drawdown_threshold < flat.drawdown_threshold


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=15))
def test_an_isotonic_fit_never_falls_and_leaves_rising_curves_alone(values):
    u = np.array(values, float)
    fitted = isotonic_fit(u, np.ones(len(u)))
    assert (np.diff(fitted) >= -1e-9).all() and fitted.sum() == pytest.approx(u.sum())
    np.testing.assert_allclose(isotonic_fit(np.sort(u), np.ones(len(u))), np.sort(u))


@given(values=st.lists(st.integers(-50, 50), min_size=2, max_size=15))
@settings(max_examples=50)
def test_a_rising_trend_never_deepens_a_fall(values):
    u, steps = np.array(values, float), np.arange(len(values)) * 1_000.0
    plain, lifted = largest_falls(steps, u), largest_falls(steps, u + steps / 100)
    assert lifted.drawdown <= plain.drawdown  # of the temporary dip this is not so


def test_horizon_and_baseline_bound_the_falls():
    steps, u = np.array([0, 1, 2, 3]) * 10_000.0, np.array([90.0, 50, 40, 0])
    assert largest_falls(steps, u, horizon=20_000).drawdown == 50
    assert largest_falls(steps, u, horizon=20_000, baseline_step=10_000).drawdown == 10


def test_a_control_arm_gives_thresholds_only_at_levels_it_can_show():
    control = np.arange(1.0, 20.0)  # 19 seeds: the largest is exceeded by one more with probability 1/20
    found = judge_against_control([0.5, 19.5, np.nan], control)
    assert found.threshold == 19 and found.control_seeds == 19
    np.testing.assert_allclose(found.p_values, [1.0, 1 / 20, np.nan])
    assert np.isnan(judge_against_control([5.0], control[:10]).threshold)
