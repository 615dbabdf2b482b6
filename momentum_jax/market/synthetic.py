"""The embedded market: invented one-minute bars with the known facts of intraday prices.

60 sessions of SPY, QQQ and SPX and a daily VIX, from one integer key. What is built in, and from where:

* days: log VIX follows a first-order autoregression; volatility lies below VIX by a steady premium;
  prices fall as VIX rises (leverage effect); fat-tailed overnight gaps;
* minutes: U-shaped volatility and volume (Andersen & Bollerslev 1997), log-normal stochastic volatility
  that decays over an hour (Taylor 1986) under Student-t shocks: clustering and fat tails (Cont 2001);
* direction: the drift is a damped stochastic cycle of about two and a half hours (Harvey 1989), so that
  prices trend over some tens of minutes and then turn, though single minutes hardly predict each other;
* bars: high and low are drawn from the exact extremes of a Brownian bridge between open and close.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from momentum_jax.market.bars import (
    BAR_COLUMNS,
    EXCHANGE_TZ,
    SESSION_MINUTES,
    SESSION_OPEN_MINUTE,
    between_dates,
    validate_bars,
)
from momentum_jax.market.errors import DataError

SESSIONS = 60
VIX_HISTORY = 20  # sessions before the first bar, so that each bar has a VIX of the session before
FIRST_VIX_DATE = "2023-12-01"  # puts the first bar on 2024-01-02, and the change to summer time inside
HOLIDAYS = ("2023-12-25", "2024-01-01", "2024-01-15", "2024-02-19")
SESSIONS_A_YEAR = 252


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """What sets one symbol apart; volatilities are multiples of the market's."""

    start_price: float  # dollars or index points
    market_beta: float
    own_volatility: float
    mean_volume: float  # shares a minute; 0 for an index, which is not traded


INSTRUMENTS = {
    "SPY": Instrument(start_price=500.0, market_beta=1.0, own_volatility=0.08, mean_volume=190_000.0),
    "QQQ": Instrument(start_price=430.0, market_beta=1.2, own_volatility=0.5, mean_volume=110_000.0),
    "SPX": Instrument(start_price=5000.0, market_beta=1.0, own_volatility=0.04, mean_volume=0.0),
}

_FRACTIONS = (0.0, 0.42, 0.75, 0.92, 1.0)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What sets one kind of days apart."""

    # VIX of the quietest … the wildest session, against the fraction of sessions below it (`_FRACTIONS`).
    vix_quantiles: tuple[float, ...] = (11.5, 18.0, 25.0, 35.0, 44.0)
    drift_share: float = 0.15  # standard deviation of the drift, in minutes' volatility
    drift_periods: tuple[float, float] = (120.0, 200.0)  # minutes, drawn for each session
    leverage: float = -0.05  # log price a unit of log VIX
    daily_drift: float = 0.0  # of each session, in units of its volatility


SCENARIO_SHAPES = {
    "mixed": Scenario(),
    "calm": Scenario(vix_quantiles=(10.5, 12.0, 13.5, 15.5, 17.5)),
    "trending": Scenario(drift_share=0.3, drift_periods=(600.0, 900.0)),
    "choppy": Scenario(drift_share=0.6, drift_periods=(5.0, 9.0)),
    "crash": Scenario(vix_quantiles=(36.0, 42.0, 50.0, 62.0, 80.0), leverage=-0.12, daily_drift=-0.25),
}
VIX_PERSISTENCE = 0.94  # a session
REALISED_TO_VIX = 0.8
OVERNIGHT_VARIANCE_SHARE = 0.2
GAP_TAIL = 4.0  # degrees of freedom
SHOCK_TAIL = 8.0
LOG_VOLATILITY_SD = 0.45
LOG_VOLATILITY_PERSISTENCE = 0.985  # a minute
DRIFT_PERSISTENCE = 0.995  # a minute
VOLUME_NOISE_SD = 0.35


class SyntheticSource:
    """The embedded market of one key; a bar source like any other.

    Numbers are drawn with NumPy's PCG64 and prices rounded to cents, so one key gives the same market on
    every platform for as long as NumPy keeps its streams.
    """

    def __init__(self, seed: int = 0, scenario: str = "mixed"):
        generator = np.random.Generator(np.random.PCG64(seed))
        dates = _session_dates()
        kind = SCENARIO_SHAPES[scenario]
        vix = _draw_vix(generator, kind)
        self._vix = pd.Series(vix, index=dates, name="vix")
        self._frames = _draw_bars(generator, dates[VIX_HISTORY:], vix[VIX_HISTORY - 1 :], kind)

    @property
    def vix(self) -> pd.Series:
        """Daily VIX closes, in points, by naive exchange date: 20 sessions before the bars, then their 60."""
        return self._vix.copy()

    def bars(self, symbol: str, start: str | None = None, end: str | None = None) -> pd.DataFrame:
        """The bar frame of SPY, QQQ or SPX; see `BarSource.bars`."""
        if symbol not in self._frames:
            raise DataError(
                f"synthetic market: no symbol {symbol!r}; found {', '.join(self._frames)}: "
                f"put one of those first in symbols, or give a file of bars with data_source csv"
            )
        kept = between_dates(self._frames[symbol], start, end)
        if kept.empty:
            first, last = self._vix.index[VIX_HISTORY].date(), self._vix.index[-1].date()
            raise DataError(
                f"synthetic market: no bars from {start or 'the start'} to {end or 'the end'}; it covers "
                f"{first} to {last}: choose start_date and end_date inside it"
            )
        return kept


def _session_dates() -> pd.DatetimeIndex:
    count = np.arange(VIX_HISTORY + SESSIONS)
    days = np.busday_offset(np.datetime64(FIRST_VIX_DATE, "D"), count, holidays=list(HOLIDAYS))
    return pd.DatetimeIndex(days, name="date").as_unit("ns")


def _session_stamps(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    minutes = SESSION_OPEN_MINUTE + np.arange(SESSION_MINUTES)
    stamps = dates.to_numpy()[:, None] + minutes.astype("timedelta64[m]")
    return pd.DatetimeIndex(stamps.reshape(-1)).tz_localize(EXCHANGE_TZ)


def _draw_vix(generator: np.random.Generator, kind: Scenario) -> np.ndarray:
    """VIX closes, [VIX_HISTORY + SESSIONS]."""
    shocks = generator.standard_normal(VIX_HISTORY + SESSIONS)
    level = np.empty_like(shocks)
    level[0] = shocks[0]
    for day in range(1, len(level)):
        level[day] = VIX_PERSISTENCE * level[day - 1] + np.sqrt(1 - VIX_PERSISTENCE**2) * shocks[day]
    # Sixty dependent draws can miss a regime. Mapping their ranks to fixed quantiles gives every key the
    # same number of calm, normal, storm and crash sessions, and leaves their order to chance.
    ranked = np.sort(level[VIX_HISTORY:])
    fraction = np.interp(level, ranked, (np.arange(SESSIONS) + 0.5) / SESSIONS)
    return np.round(np.interp(fraction, _FRACTIONS, kind.vix_quantiles), 2)


def _draw_bars(
    generator: np.random.Generator, dates: pd.DatetimeIndex, vix: np.ndarray, kind: Scenario
) -> dict[str, pd.DataFrame]:
    """Bar frames by symbol; `vix` [SESSIONS + 1] starts one session before the first of `dates`."""
    day_volatility = REALISED_TO_VIX * vix[1:] / 100 / np.sqrt(SESSIONS_A_YEAR)
    leverage = kind.leverage * np.diff(np.log(vix))
    gap_volatility = day_volatility * np.sqrt(OVERNIGHT_VARIANCE_SHARE)
    gap = gap_volatility * _student(generator, GAP_TAIL, SESSIONS) + 0.5 * leverage

    activity = np.exp(_log_volatility(generator))
    minute_volatility = day_volatility * np.sqrt((1 - OVERNIGHT_VARIANCE_SHARE) / SESSION_MINUTES)
    volatility = minute_volatility[:, None] * _u_shape(1.6, 30.0, 0.8, 25.0) * activity
    direction = _drift_cycle(generator, kind) + _student(generator, SHOCK_TAIL, activity.shape)
    daily_drift = 0.5 * leverage + kind.daily_drift * day_volatility
    market = volatility * direction + daily_drift[:, None] / SESSION_MINUTES

    stamps = _session_stamps(dates)
    frames = {}
    for symbol, instrument in INSTRUMENTS.items():
        own_gap = instrument.own_volatility * gap_volatility * generator.standard_normal(SESSIONS)
        own = instrument.own_volatility * volatility * _student(generator, SHOCK_TAIL, activity.shape)
        returns = instrument.market_beta * market + own
        gaps = instrument.market_beta * gap + own_gap
        spread = np.hypot(instrument.market_beta, instrument.own_volatility) * volatility
        prices = _draw_prices(generator, instrument.start_price, gaps, returns, spread)
        surprise = np.abs(returns) / spread
        volume = instrument.mean_volume * _draw_volume(generator, activity, surprise)
        values = [*(price.reshape(-1) for price in prices), volume.round().reshape(-1)]
        frame = pd.DataFrame(dict(zip(BAR_COLUMNS, values, strict=True)), index=stamps)
        frames[symbol] = validate_bars(frame, source=f"synthetic market, {symbol}")
    return frames


def _draw_prices(
    generator: np.random.Generator, start: float, gaps: np.ndarray, returns: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Open, high, low, close on the cent grid, each [SESSIONS, SESSION_MINUTES]."""
    moves = returns.copy()
    moves[:, 0] += gaps
    log_close = np.log(start) + np.cumsum(moves).reshape(moves.shape)
    log_open = log_close - returns  # the gap lies before the open
    # Extremes of a Brownian bridge from 0 to r: (r ± sqrt(r² − 2 σ² ln U)) / 2, U uniform on (0, 1].
    uniforms = 1.0 - generator.random((2, *returns.shape))
    reach = np.sqrt(returns**2 - 2.0 * spread**2 * np.log(uniforms))
    log_high = log_open + 0.5 * (returns + reach[0])
    log_low = log_open + 0.5 * (returns - reach[1])
    return tuple(np.round(np.exp(path), 2) for path in (log_open, log_high, log_low, log_close))


def _draw_volume(generator: np.random.Generator, activity: np.ndarray, surprise: np.ndarray) -> np.ndarray:
    """Volume relative to the mean minute: the U, busier in volatile stretches and on large moves."""
    noise = np.exp(VOLUME_NOISE_SD * generator.standard_normal(activity.shape) - 0.5 * VOLUME_NOISE_SD**2)
    return _u_shape(2.5, 20.0, 8.0, 8.0) * np.sqrt(activity) * (0.6 + 0.5 * surprise) * noise


def _u_shape(open_peak: float, open_minutes: float, close_peak: float, close_minutes: float) -> np.ndarray:
    """1 at midday, rising exponentially towards open and close; scaled to mean square 1. [SESSION_MINUTES]"""
    minute = np.arange(SESSION_MINUTES)
    shape = 1 + open_peak * np.exp(-minute / open_minutes)
    shape += close_peak * np.exp((minute - SESSION_MINUTES + 1) / close_minutes)
    return shape / np.sqrt(np.mean(shape**2))


def _student(generator: np.random.Generator, tail: float, shape: int | tuple[int, ...]) -> np.ndarray:
    """Student-t draws with `tail` degrees of freedom, scaled to variance 1."""
    return generator.standard_t(tail, shape) * np.sqrt((tail - 2) / tail)


def _log_volatility(generator: np.random.Generator) -> np.ndarray:
    """Log of the minute's volatility factor, whose mean square is 1. [SESSIONS, SESSION_MINUTES]"""
    shocks = generator.standard_normal((SESSION_MINUTES, SESSIONS))
    path = _stationary_path(shocks, np.full(SESSIONS, LOG_VOLATILITY_PERSISTENCE))
    return LOG_VOLATILITY_SD * path - LOG_VOLATILITY_SD**2


def _drift_cycle(generator: np.random.Generator, kind: Scenario) -> np.ndarray:
    """Drift in units of the minute's volatility. [SESSIONS, SESSION_MINUTES]"""
    periods = generator.uniform(*kind.drift_periods, size=SESSIONS)
    turn = DRIFT_PERSISTENCE * np.exp(2j * np.pi / periods)
    shocks = generator.standard_normal((2, SESSION_MINUTES, SESSIONS))
    return kind.drift_share * _stationary_path(shocks[0] + 1j * shocks[1], turn).real


def _stationary_path(shocks: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """x_m = turn · x_{m−1} + sqrt(1 − |turn|²) · shock_m, started in its stationary law.

    `shocks` is [SESSION_MINUTES, SESSIONS] and `turn` [SESSIONS]; returns [SESSIONS, SESSION_MINUTES].
    """
    scale = np.sqrt(1 - np.abs(turn) ** 2)
    path = np.empty_like(shocks)
    path[0] = shocks[0]
    for minute in range(1, len(path)):
        path[minute] = turn * path[minute - 1] + scale * shocks[minute]
    return path.T
