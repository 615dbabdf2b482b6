"""Everything about a segment that does not depend on the agent, computed once in float64.

A *window at i* is the 20 bars i-20 … i-1. Every indicator restarts inside each window, as the reference
environment recomputes it, so a feature is a function of one window and all windows are evaluated side by side:
the recursions run over the 20 bars of a window, vectorised over windows.
Source: `environment.md` of the specification (columns 0-18, setup score, premiums).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from momentum_jax.market.contract_terms import LAGGED_CLOSE, MIN_PREMIUM, NEXT_OPEN, RISK_FREE_RATE, YEARS_TO_EXPIRY
from momentum_jax.market.errors import DataError
from momentum_jax.market.fills import REFERENCE_TERMS, Expiry, FillTerms, volatilities
from momentum_jax.market.vix.vix_timing import seen_vix

WINDOW = 20
NUM_MARKET_COLUMNS = 19
# Columns of the observation that hold one value for the whole window.
CONSTANT_COLUMNS = (5, 6, 16)
_CHUNK = 4096  # windows evaluated at once: about 30 arrays of [4096, 20] float64, 20 MB


class Features(NamedTuple):
    """Per cursor i = 20 … N-1, R = N - 20 rows, float64 unless noted.

    The step to cursor i fills at the close of bar i, a bar that the agent has not seen lies before it. With another
    fill it is at the open or close of bar i - 1, the first that the agent has not seen, and i goes to N.
    """

    observation: np.ndarray  # [R, 20, 19] float32: market columns of the window at i
    close: np.ndarray  # [R] price at which the step to cursor i fills
    last_close: np.ndarray  # [R] close of bar i - 1, the last one in the window
    sigma: np.ndarray  # [R] implied volatility at the end of bar i - 1 (for the Greeks)
    call_premium: np.ndarray  # [R] premium of the call bought at that price; 0 where expiry is asked for
    put_premium: np.ndarray  # [R] premium of the put bought at that price; likewise
    bull_score: np.ndarray  # [R] int32, 0 … 4
    bear_score: np.ndarray  # [R] int32, 0 … 4, the mirror image
    bull_chase: np.ndarray  # [R] bool
    bear_chase: np.ndarray  # [R] bool
    expiry: Expiry | None = None  # where it is asked for


class _Indicators(NamedTuple):
    columns: np.ndarray  # [n, 20, 19]
    bull_score: np.ndarray  # [n]
    bear_score: np.ndarray
    bull_chase: np.ndarray
    bear_chase: np.ndarray


def compute_features(
    bars: np.ndarray,
    bar_time_ns: np.ndarray,
    vix_date_ns: np.ndarray,
    vix_close: np.ndarray,
    vix_timing: str = "same_day",
    terms: FillTerms = REFERENCE_TERMS,
) -> Features:
    """Evaluate every window of a segment.

    Args:
      bars: [N, 5] float64 open, high, low, close, volume.
      bar_time_ns: [N] naive exchange time in nanoseconds.
      vix_date_ns: [D] naive dates in nanoseconds, ascending.
      vix_close: [D] daily closes of the VIX.
      vix_timing: "same_day" (the reference: a bar sees that day's close) or "previous" (the last close before it).
      terms: where orders fill and what options are priced by.

    Raises:
      DataError: with fewer than 22 bars there is nothing to decide; without a VIX before the first bar.
    """
    num_bars = bars.shape[0]
    if num_bars < WINDOW + 2:
        raise DataError(f"a segment needs at least {WINDOW + 2} bars, found {num_bars}: load more sessions")
    vix, earlier_vix = seen_vix(bar_time_ns, vix_date_ns, vix_close, vix_timing)
    lagged = terms.fill == LAGGED_CLOSE
    cursors = np.arange(WINDOW, num_bars + (not lagged))
    observation, setup = _evaluate(bars, vix, earlier_vix, cursors)
    filled, seen = cursors if lagged else cursors - 1, cursors - 1
    price = bars[filled, 0 if terms.fill == NEXT_OPEN else 3]
    fill_sigma, sigma, expiry = volatilities(bar_time_ns, vix, filled, seen, terms)
    # With the time to expiry a premium follows from the strike's step, which is an arm's own.
    call_premium, put_premium = 2 * (np.zeros_like(price),) if terms.expiry else entry_premiums(price, fill_sigma)
    return Features(
        observation=observation,
        close=price,
        last_close=bars[seen, 3],
        sigma=sigma,
        call_premium=call_premium,
        put_premium=put_premium,
        bull_score=setup.bull_score,
        bear_score=setup.bear_score,
        bull_chase=setup.bull_chase,
        bear_chase=setup.bear_chase,
        expiry=expiry,
    )


def _evaluate(
    bars: np.ndarray, vix: np.ndarray, earlier_vix: np.ndarray, cursors: np.ndarray
) -> tuple[np.ndarray, _Indicators]:
    """Observations [R, 20, 19] float32 and setups [R] at the cursors [R]; VIX and earlier VIX [N] of each bar."""
    windows = sliding_window_view(bars, WINDOW, axis=0)[: len(cursors)]  # [R, 5, 20]
    seen, seen_earlier = vix[cursors - 1], earlier_vix[cursors - 1]  # [R] of each window's last bar
    observation = np.empty((windows.shape[0], WINDOW, NUM_MARKET_COLUMNS), np.float32)
    parts = []
    for start in range(0, windows.shape[0], _CHUNK):
        chunk = slice(start, start + _CHUNK)
        part = _indicators(windows[chunk], seen[chunk], seen_earlier[chunk])
        # Rounded chunk by chunk: in float64 two years of minutes would take gigabytes.
        observation[chunk] = np.clip(part.columns, -10.0, 10.0)
        parts.append(part._replace(columns=part.columns[:0]))
    return observation, _Indicators(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def entry_premiums(spot: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Black-Scholes premiums [N], [N] of a call and a put at the money (half to even), one hour to expiry."""
    strike = np.round(spot)
    deviation = sigma * np.sqrt(YEARS_TO_EXPIRY)
    d1 = (np.log(spot / strike) + (RISK_FREE_RATE + 0.5 * sigma**2) * YEARS_TO_EXPIRY) / deviation
    d2 = d1 - deviation
    discounted = strike * np.exp(-RISK_FREE_RATE * YEARS_TO_EXPIRY)
    call = spot * ndtr(d1) - discounted * ndtr(d2)
    put = discounted * ndtr(-d2) - spot * ndtr(-d1)
    return np.maximum(MIN_PREMIUM, call), np.maximum(MIN_PREMIUM, put)


def _indicators(windows: np.ndarray, vix: np.ndarray, earlier_vix: np.ndarray) -> _Indicators:
    """Observation columns and setups of `windows` [n, 5, 20]; VIX and earlier VIX [n] of each window's last bar."""
    opens, high, low, close, volume = (np.ascontiguousarray(windows[:, field]) for field in range(5))
    base = np.where(close[:, :1] == 0, 1.0, close[:, :1])  # [n, 1]
    change = np.diff(close, axis=1, prepend=close[:, :1])

    ema9, ema20 = _ema(close, 9), _ema(close, 20)
    macd = _ema(close, 12) - _ema(close, 26)
    macd_hist = macd - _ema(macd, 9)
    vwap = _vwap(high, low, close, volume)
    rsi = _rsi(change)
    atr = _atr(high, low, close)
    spread = np.maximum(high - low, 1e-9)
    body = np.abs(close - opens)
    wick_ratio = (spread - body) / spread
    running_high = np.maximum(np.maximum.accumulate(high, axis=1), 1e-9)
    max_volume = volume.max(axis=1, keepdims=True)
    relative_volume = volume / np.where(max_volume > 0, max_volume, 1.0)
    volume_z = (relative_volume - relative_volume.mean(axis=1, keepdims=True)) / (
        relative_volume.std(axis=1, keepdims=True) + 1e-9
    )

    def percent(x: np.ndarray) -> np.ndarray:
        return 100.0 * x / base

    ema_diff = np.tanh(percent(ema9 - ema20) / 0.5)
    vwap_dist = np.tanh(percent(close - vwap) / 0.5)
    squashed_hist = np.tanh(percent(macd_hist) / 0.3)
    vix_column = vix[:, None]
    columns = (
        percent(opens - base),
        percent(high - base),
        percent(low - base),
        percent(close - base),
        relative_volume,
        np.where(vix_column == 0, 0.4, vix_column / 50.0),
        np.tanh((vix_column - earlier_vix[:, None]) / 5.0),
        ema_diff,
        vwap_dist,
        (rsi - 50.0) / 50.0,
        squashed_hist,
        np.tanh(percent(atr)),
        body / spread,
        wick_ratio,
        np.tanh((100.0 * (close - running_high) / running_high) / 0.5),
        np.tanh(((close - _recent_high(high)) / np.maximum(atr, 1e-9)) / 1.5),
        np.tanh(percent(_slope(close)) / 0.05),
        np.tanh((volume_z * np.abs(change) * 100.0 / base) / 2.0),
        np.tanh((np.abs(ema_diff) + np.abs(squashed_hist) + np.abs(vwap_dist)) / 1.5),
    )
    bullish = (ema9 > ema20, close > vwap, macd_hist > 0, rsi > 50)
    bearish = (ema9 < ema20, close < vwap, macd_hist < 0, rsi < 50)
    long_wick = wick_ratio[:, -1] > 0.65
    return _Indicators(
        columns=np.stack([np.broadcast_to(column, close.shape) for column in columns], axis=-1),
        bull_score=_score(bullish),
        bear_score=_score(bearish),
        bull_chase=(rsi[:, -1] > 80) & long_wick,
        bear_chase=(rsi[:, -1] < 20) & long_wick,
    )


def _score(conditions: tuple[np.ndarray, ...]) -> np.ndarray:
    """How many of the conditions [n, 20] hold at each window's last bar, [n] int32."""
    return np.stack([condition[:, -1] for condition in conditions]).sum(axis=0, dtype=np.int32)


def _smooth(values: np.ndarray, alpha: float) -> np.ndarray:
    """Recursive exponential mean along axis 1, started at the first value.

    Where the new value equals the mean, the mean is kept as it is: rounding would otherwise let averages of
    different spans drift apart on frozen prices and decide a setup.
    """
    result = np.empty_like(values)
    mean = result[:, 0] = values[:, 0]
    for t in range(1, values.shape[1]):
        value = values[:, t]
        mean = np.where(mean == value, mean, (1.0 - alpha) * mean + alpha * value)
        result[:, t] = mean
    return result


def _ema(values: np.ndarray, span: int) -> np.ndarray:
    return _smooth(values, 2.0 / (span + 1))


def _vwap(high: np.ndarray, low: np.ndarray, close: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """Volume-weighted price from the window's start; summed left to right, since rounding decides frozen stretches."""
    turnover = np.cumsum((high + low + close) / 3.0 * volume, axis=1)
    total = np.cumsum(volume, axis=1)
    return turnover / np.where(total == 0, 1.0, total)


def _rsi(change: np.ndarray) -> np.ndarray:
    gain = _smooth(np.maximum(change, 0.0), 1.0 / 14.0)
    loss = _smooth(np.maximum(-change, 0.0), 1.0 / 14.0)
    return 100.0 - 100.0 / (1.0 + gain / np.maximum(loss, 1e-9))


def _atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, span: int = 14) -> np.ndarray:
    """Mean of the last (at most) `span` true ranges; the first bar's previous close is its own."""
    previous = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    true_range = np.maximum(high - low, np.maximum(np.abs(high - previous), np.abs(low - previous)))
    total = np.cumsum(true_range, axis=1)
    total[:, span:] -= total[:, :-span].copy()
    return total / np.minimum(np.arange(1, high.shape[1] + 1), span)


def _recent_high(high: np.ndarray, span: int = 10) -> np.ndarray:
    """Highest high of the (at most) `span` bars before each bar; the first bar's own high at the start."""
    result = np.empty_like(high)
    result[:, 0] = high[:, 0]
    for t in range(1, high.shape[1]):
        result[:, t] = high[:, max(0, t - span) : t].max(axis=1)
    return result


def _slope(close: np.ndarray) -> np.ndarray:
    """Least-squares slope [n, 1] of the closes on 0 … 19."""
    time = np.arange(close.shape[1]) - (close.shape[1] - 1) / 2.0
    return ((close - close.mean(axis=1, keepdims=True)) @ time / (time @ time))[:, None]
