"""What a trader asks of daily profits and losses: ratios of reward to risk, drawdowns, rates of trades."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TRADING_DAYS = 252
"""Days of a year: what ratios are annualised by."""
MIN_DAYS = 20
"""Fewer days have no Sharpe or Sortino ratio."""
CAPITAL = 100_000.0
"""Dollars with which every session begins."""


class Drawdown(NamedTuple):
    """The deepest fall of the cumulated profit below its highest value so far."""

    depth: float  # dollars, 0 where it never falls
    days: int  # from the day of the peak to the day of recovery, or to the last day


def sharpe_ratio(returns: npt.ArrayLike, min_days: int = MIN_DAYS) -> Floats:
    """Mean over standard deviation (n - 1) of daily returns [..., day], annualised; NaN of too few or constant days."""
    daily = np.asarray(returns, np.float64)
    spread = daily.std(axis=-1, ddof=1) if daily.shape[-1] > 1 else np.zeros(daily.shape[:-1])
    return _annual_ratio(daily, spread, min_days)


def sortino_ratio(returns: npt.ArrayLike, min_days: int = MIN_DAYS) -> Floats:
    """Mean over downside deviation of daily returns [..., day], annualised; the target is 0.

    The downside deviation is the root of the mean over all days of squared negative returns (Sortino and Price, 1994).
    """
    daily = np.asarray(returns, np.float64)
    return _annual_ratio(daily, np.sqrt((np.minimum(daily, 0) ** 2).mean(axis=-1)), min_days)


def max_drawdown(pnl: npt.ArrayLike) -> Drawdown:
    """The deepest drawdown of daily profits [day] in dollars, cumulated from 0 before the first day."""
    equity = np.concatenate([[0.0], np.cumsum(np.asarray(pnl, np.float64))])
    peaks = np.maximum.accumulate(equity)
    falls = peaks - equity
    trough = int(falls.argmax())
    if falls[trough] <= 0:
        return Drawdown(0.0, 0)
    peak = int(np.flatnonzero(equity[: trough + 1] == peaks[trough])[-1])
    recovered = np.flatnonzero(equity[trough:] >= peaks[trough])
    end = trough + int(recovered[0]) if len(recovered) else len(equity) - 1
    return Drawdown(float(falls[trough]), end - peak)


def rate(counts: npt.ArrayLike, of: npt.ArrayLike) -> Floats:
    """Sum over days of `counts` [..., day] over that of `of`; NaN where there is nothing."""
    top, bottom = (np.asarray(values, np.float64).sum(axis=-1) for values in (counts, of))
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)


def profit_factor(gains: npt.ArrayLike, losses: npt.ArrayLike) -> Floats:
    """Gains of winning trades over losses of losing ones, [..., day] both; infinite without losses, NaN of nothing."""
    gained, lost = (np.asarray(values, np.float64).sum(axis=-1) for values in (gains, losses))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(gained / lost)


def _annual_ratio(daily: Floats, spread: Floats, min_days: int) -> Floats:
    mean = daily.mean(axis=-1)
    nothing = np.full(np.shape(mean), np.nan)
    if daily.shape[-1] < min_days:
        return nothing
    # Rounding leaves constant days a spread of their last digit.
    known = spread > 1e-12 * np.abs(daily).max(axis=-1, initial=0.0)
    return np.sqrt(TRADING_DAYS) * np.divide(mean, spread, out=nothing, where=known)
