"""Intervals over seeds and days: width against the closed form, coverage, and what has none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from momentum_jax.analysis.trading import two_way_bootstrap as two_way
from momentum_jax.analysis.trading.performance import sharpe_ratio


def crossed(rng, seeds=24, days=40, of_seed=1.0, of_day=1.0, own=0.5):
    return rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, of_day, (1, days)) + rng.normal(0, own, (seeds, days))


def test_the_width_is_that_of_seeds_and_days_together():
    values = crossed(np.random.default_rng(0), 200, 300)
    found = two_way.mean_interval(values)
    by_seed, by_day = values.mean(axis=1).var(ddof=1) / 200, values.mean(axis=0).var(ddof=1) / 300
    width = 2 * stats.norm.ppf(0.975) * np.sqrt(by_seed + by_day)
    assert found.estimate == pytest.approx(values.mean()) and found.high - found.low == pytest.approx(width, rel=0.06)
    # What either unit alone would give is narrower.
    assert found.high - found.low > 1.1 * 2 * stats.norm.ppf(0.975) * np.sqrt(max(by_seed, by_day))


def test_the_true_mean_is_covered():
    rng = np.random.default_rng(1)
    covered = [low <= 0 <= high for _, low, high, _ in (two_way.mean_interval(crossed(rng)) for _ in range(200))]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_the_sharpe_interval_draws_days_and_seeds():
    rng = np.random.default_rng(2)
    returns = 0.1 + crossed(rng, 10, 60, of_seed=0, of_day=1, own=0)
    found = two_way.sharpe_interval(returns)
    assert found.estimate == pytest.approx(sharpe_ratio(returns).mean())
    daily = found.estimate / np.sqrt(252)
    error = np.sqrt((1 + daily**2 / 2) / 60) * np.sqrt(252)  # Lo (2002)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert two_way.sharpe_interval(returns[:, :19]).flag == "fewer than 20 days"


def test_a_ratio_is_each_seeds_own_and_seeds_without_any_are_left_out():
    wins, trades = np.array([[1.0, 1], [3, 0], [0, 0]]), np.array([[2.0, 2], [3, 1], [0, 0]])
    assert two_way.ratio_interval(wins, trades).estimate == pytest.approx((0.5 + 0.75) / 2)


def test_what_has_no_interval():
    assert two_way.mean_interval([[1.0, 2, 3]]).flag == "one seed"
    assert two_way.mean_interval([[1.0], [2]]).flag == "one day"
    assert two_way.mean_interval(np.zeros((8, 9))) == (0, 0, 0, "constant")
    assert np.isnan(two_way.mean_interval(np.full((3, 4), np.nan)).estimate)
    values = crossed(np.random.default_rng(0), 8, 9)
    with_failed = np.vstack([values, np.full(9, np.nan)])
    assert two_way.mean_interval(with_failed) == two_way.mean_interval(values)
