"""Ratios, drawdowns and the deflated Sharpe ratio against closed forms and the paper's own example."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from momentum_jax.analysis.trading import performance
from momentum_jax.analysis.trading.deflated_sharpe import (
    daily_sharpe,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
)


def test_sharpe_and_sortino_are_annualised_ratios_of_daily_returns():
    returns = np.random.default_rng(0).normal(0.001, 0.01, (3, 60))
    expected = np.sqrt(252) * returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    np.testing.assert_allclose(performance.sharpe_ratio(returns), expected, rtol=1e-12)
    alternating = np.tile([0.03, -0.01], 10)
    assert performance.sortino_ratio(alternating) == pytest.approx(np.sqrt(252) * 0.01 / np.sqrt(0.01**2 / 2))
    # One-sample t of the mean, over the root of the days.
    t = stats.ttest_1samp(returns[0], 0).statistic
    assert performance.sharpe_ratio(returns[0]) == pytest.approx(t / np.sqrt(60) * np.sqrt(252))


def test_few_or_constant_days_have_no_ratio():
    returns = np.random.default_rng(0).normal(0.001, 0.01, 20)
    assert np.isfinite(performance.sharpe_ratio(returns))
    for ratio in (performance.sharpe_ratio, performance.sortino_ratio):
        assert np.isnan(ratio(returns[:19])) and np.isnan(ratio(np.zeros(30)))
        assert np.isnan(ratio(np.full(30, 0.1)))


@pytest.mark.parametrize(
    ("pnl", "depth", "days"),
    [
        ([1, 2, 3], 0, 0),
        ([-5, 1, 1], 5, 3),  # never recovered: from before the first day to the last
        ([10, -4, -3, 2, 6, 1, -1], 7, 4),  # peak on day 1, back at 11 on day 5
        ([3, -1, 1, -6, 2], 6, 2),  # equal peaks: from the later one
        ([0, 0], 0, 0),
    ],
)
def test_the_largest_drawdown_and_its_length(pnl, depth, days):
    assert performance.max_drawdown(pnl) == (depth, days)


def test_drawdown_is_the_brute_force_one():
    pnl = np.random.default_rng(1).normal(0, 1, 40)
    equity = np.concatenate([[0], np.cumsum(pnl)])
    brute = max(equity[i] - equity[j] for i in range(41) for j in range(i, 41))
    assert performance.max_drawdown(pnl).depth == pytest.approx(brute)


def test_rates_and_profit_factor():
    np.testing.assert_allclose(performance.rate([[1, 2], [0, 0]], [[2, 4], [0, 0]]), [0.5, np.nan])
    np.testing.assert_allclose(performance.profit_factor([[6], [1], [0]], [[3], [0], [0]]), [2, np.inf, np.nan])


def test_the_papers_example():
    """Bailey and López de Prado (2014), the worked example: 0.9004."""
    variance, sharpe = 0.5 / 250, 2.5 / np.sqrt(250)
    benchmark = expected_best_sharpe(variance, 100)
    assert benchmark == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(sharpe, benchmark, 1250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_the_expected_best_of_trials_without_skill_is_what_simulation_gives():
    rng = np.random.default_rng(0)
    best = rng.normal(0, 0.1, (20_000, 50)).max(axis=1).mean()
    assert expected_best_sharpe(0.01, 50) == pytest.approx(best, rel=0.02)
    assert expected_best_sharpe(0.01, 1) == 0


def test_one_trial_of_normal_returns_has_the_probability_of_its_t_statistic():
    rng = np.random.default_rng(3)
    returns = rng.normal(0.05, 1, 2_000)
    sharpe = daily_sharpe(returns)
    skewness, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    expected = stats.norm.cdf(sharpe * np.sqrt(1_999) / np.sqrt(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2))
    assert deflated_sharpe(returns, [sharpe], 1) == pytest.approx(expected)
    many = rng.normal(0, 0.02, 100)
    assert deflated_sharpe(returns, many, 1_000) < deflated_sharpe(returns, many, 100) < expected
    assert np.isnan(deflated_sharpe(returns[:19], many, 100)) and np.isnan(deflated_sharpe(np.zeros(30), many, 100))
