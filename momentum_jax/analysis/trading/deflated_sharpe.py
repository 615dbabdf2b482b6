"""How sure a Sharpe ratio is when it is the best of many that were looked at.

Bailey and López de Prado (2014), The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and
Non-Normality, Journal of Portfolio Management 40. Ratios here are of one day, not annualised.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.trading.performance import MIN_DAYS


def daily_sharpe(returns: npt.ArrayLike) -> float:
    """Mean over standard deviation (n - 1) of daily returns [day]; NaN where they do not vary."""
    daily = np.asarray(returns, np.float64)
    spread = daily.std(ddof=1) if len(daily) > 1 else 0.0
    return float(daily.mean() / spread) if spread > 1e-12 * np.abs(daily).max(initial=0.0) else np.nan


def expected_best_sharpe(variance: float, trials: float) -> float:
    """Largest Sharpe ratio to be expected of so many trials without skill, whose ratios have this variance."""
    if trials <= 1:
        return 0.0
    euler = np.euler_gamma
    first, second = (float(stats.norm.ppf(1 - 1 / number)) for number in (trials, trials * np.e))
    return float(np.sqrt(variance) * ((1 - euler) * first + euler * second))


def probabilistic_sharpe(sharpe: float, benchmark: float, days: int, skewness: float, kurtosis: float) -> float:
    """Probability that the true daily Sharpe ratio exceeds a benchmark.

    Args:
        sharpe: estimated.
        benchmark: to exceed.
        days: of the estimate.
        skewness: of the daily returns.
        kurtosis: of the daily returns; 3 of a normal distribution.
    """
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not variance > 0:
        return np.nan
    return float(stats.norm.cdf((sharpe - benchmark) * np.sqrt(days - 1) / np.sqrt(variance)))


def deflated_sharpe(returns: npt.ArrayLike, trial_sharpes: npt.ArrayLike, trials: int) -> float:
    """Probability that the true Sharpe ratio of the chosen trial is above what the best of all trials has by luck.

    Args:
        returns: [day] of the chosen trial.
        trial_sharpes: daily Sharpe ratios of the trials that are known; NaN is left out.
        trials: how many were looked at; at least as many as are known.

    Returns:
        NaN below `MIN_DAYS` days and where the ratio is not defined.
    """
    daily = np.asarray(returns, np.float64)
    sharpe = daily_sharpe(daily)
    if len(daily) < MIN_DAYS or np.isnan(sharpe):
        return np.nan
    known = np.asarray(trial_sharpes, np.float64)
    known = known[~np.isnan(known)]
    benchmark = expected_best_sharpe(float(known.var(ddof=1)), trials) if len(known) > 1 else 0.0
    skewness, kurtosis = float(stats.skew(daily)), float(stats.kurtosis(daily, fisher=False))
    return probabilistic_sharpe(sharpe, benchmark, len(daily), skewness, kurtosis)
