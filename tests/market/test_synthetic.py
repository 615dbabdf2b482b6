"""The embedded market shows the facts of intraday markets, measured, under several keys.

Each threshold lies where independent Gaussian returns fail it (`test_a_gaussian_market_fails`) by many
standard errors: with 60 sessions of 390 minutes the standard error of an autocorrelation is 0.0065.
"""

import time

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.bars import SESSION_MINUTES
from momentum_jax.market.dataset import load_segment
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.synthetic import SESSIONS, VIX_HISTORY, SyntheticSource

SYMBOLS = ("SPY", "QQQ", "SPX")
KEYS = (0, 1, 2)
DAY = (SESSIONS, SESSION_MINUTES)
MIDDAY = slice(150, 240)
# The default market is part of every published curve. If only NumPy's streams changed, record the new one.
DEFAULT_FINGERPRINT = "8263828e19c99bfcff99d3221c9892ad9340312a499d5840d46ec7927ebdbd41"


@pytest.fixture(scope="module", params=KEYS)
def market(request) -> SyntheticSource:
    return SyntheticSource(request.param)


def column(market: SyntheticSource, symbol: str, name: str) -> np.ndarray:
    return market.bars(symbol)[name].to_numpy().reshape(DAY)


def minute_returns(market: SyntheticSource, symbol: str = "SPY") -> np.ndarray:
    """Log return of each bar, open to close; [SESSIONS, SESSION_MINUTES]."""
    return np.log(column(market, symbol, "close") / column(market, symbol, "open"))


def standardise(returns: np.ndarray) -> np.ndarray:
    """Removes the volatility that the time of day and the day's level explain."""
    size = np.abs(returns)
    return returns / (size.mean(0) * size.mean(1, keepdims=True))


def autocorrelation(values: np.ndarray, lag: int) -> float:
    """Within sessions, never across a night."""
    values = values - values.mean()
    return float((values[:, lag:] * values[:, :-lag]).mean() / (values**2).mean())


def excess_kurtosis(values: np.ndarray) -> float:
    return float((values**4).mean() / (values**2).mean() ** 2 - 3)


def blocks(values: np.ndarray, minutes: int) -> np.ndarray:
    """Sums over blocks of minutes, [SESSIONS, whole blocks]."""
    count = SESSION_MINUTES // minutes
    return values[:, : count * minutes].reshape(SESSIONS, count, minutes).sum(2)


def edges_against_midday(size: np.ndarray) -> tuple[float, float]:
    """First and last half hour relative to midday."""
    midday = size[:, MIDDAY].mean()
    return size[:, :30].mean() / midday, size[:, -30:].mean() / midday


def u_shape(returns: np.ndarray) -> bool:
    return min(edges_against_midday(np.abs(returns))) > 1.2


def fat_tails(returns: np.ndarray) -> bool:
    return excess_kurtosis(standardise(returns)) > 1.0


def clustering(returns: np.ndarray) -> bool:
    size = np.abs(standardise(returns))
    return all(autocorrelation(size, lag) > 0.03 for lag in (1, 2, 5, 10, 20))


def trends(returns: np.ndarray) -> bool:
    standard = standardise(returns)
    variance_ratio = blocks(standard, 30).var() / (30 * standard.var())
    return variance_ratio > 1.25 and autocorrelation(blocks(standard, 20), 1) > 0.1


def reversals(returns: np.ndarray) -> bool:
    later = [autocorrelation(blocks(standardise(returns), 20), lag) for lag in (3, 4)]
    return float(np.mean(later)) < -0.05


FACTS = (u_shape, fat_tails, clustering, trends, reversals)


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_returns_show(market, symbol, fact):
    assert fact(minute_returns(market, symbol))


@pytest.mark.parametrize("fact", FACTS)
def test_a_gaussian_market_fails(fact):
    assert not fact(np.random.default_rng(7).normal(size=DAY))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_single_minutes_hardly_predict_each_other(market, symbol):
    returns = standardise(minute_returns(market, symbol))
    size = np.abs(returns)
    for lag in (1, 5, 10):
        assert abs(autocorrelation(returns, lag)) < 0.06
        assert abs(autocorrelation(returns, lag)) < autocorrelation(size, lag) / 2


def test_volume_is_u_shaped_and_follows_the_size_of_moves(market):
    for symbol in ("SPY", "QQQ"):
        volume = column(market, symbol, "volume")
        assert min(edges_against_midday(volume)) > 1.5
        assert (volume == np.rint(volume)).all()
        assert np.corrcoef(volume.ravel(), np.abs(minute_returns(market, symbol)).ravel())[0, 1] > 0.2
    assert (column(market, "SPX", "volume") == 0).all()


def test_sessions_go_both_ways(market):
    change = minute_returns(market).sum(1)
    assert 0.3 < (change > 0).mean() < 0.7


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_nights_move_more_than_minutes(market, symbol):
    gaps = np.log(column(market, symbol, "open")[1:, 0] / column(market, symbol, "close")[:-1, -1])
    assert gaps.std() > 5 * minute_returns(market, symbol).std()
    assert (gaps > 0).any() and (gaps < 0).any()


def test_symbols_move_together(market):
    returns = np.stack([minute_returns(market, symbol).ravel() for symbol in SYMBOLS])
    correlation = np.corrcoef(returns)
    assert correlation.min() > 0.7
    assert correlation[0, 2] > 0.98  # SPY tracks SPX
    assert correlation[0, 1] < 0.98  # QQQ is its own


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_prices_lie_on_the_cent_grid_and_make_bars(market, symbol):
    bars = market.bars(symbol)
    prices = bars[["open", "high", "low", "close"]]
    assert (prices == (prices * 100).round() / 100).all(axis=None)
    assert (bars["high"] >= prices.max(axis=1)).all()
    assert (bars["low"] <= prices.min(axis=1)).all()
    assert (bars["high"] > bars["low"]).mean() > 0.95


def test_prices_stay_near_their_start(market):
    for symbol, start in (("SPY", 500.0), ("QQQ", 430.0), ("SPX", 5000.0)):
        close = column(market, symbol, "close")
        assert 0.7 * start < close.min() and close.max() < 1.4 * start


def test_vix_follows_realised_volatility_and_opposes_prices(market):
    vix = market.vix.to_numpy()[VIX_HISTORY:]
    realised = np.sqrt((minute_returns(market) ** 2).sum(1))
    assert np.corrcoef(vix, realised)[0, 1] > 0.6
    close_to_close = np.diff(np.log(column(market, "SPY", "close")[:, -1]))
    assert np.corrcoef(np.diff(np.log(vix)), close_to_close)[0, 1] < -0.2
    assert autocorrelation(vix[None], 1) > 0.5


@pytest.mark.parametrize("key", range(8))
def test_every_key_has_all_regimes_and_enough_calm(key):
    market = SyntheticSource(key)
    counts = np.histogram(market.vix.iloc[VIX_HISTORY:], bins=[0, 18, 25, 35, 100])[0]
    assert counts.tolist() == [25, 20, 10, 5]
    segment = load_segment(MarketConfig(synthetic_seed=key))
    assert (segment.symbol, segment.regime) == ("SPY", "calm")
    assert len(segment.bars) == 9750 >= 8000


def test_sessions_are_trading_days_with_a_vix_each(market):
    stamps = market.bars("SPY").index
    days = stamps.tz_localize(None).normalize().unique()
    assert len(days) == SESSIONS and (days.day_of_week < 5).all()
    assert days.equals(pd.DatetimeIndex(market.vix.index[VIX_HISTORY:]))
    assert not days.isin(pd.DatetimeIndex(["2024-01-01", "2024-01-15", "2024-02-19"])).any()
    first_of_day = stamps[::SESSION_MINUTES]
    assert {str(stamp.time()) for stamp in first_of_day} == {"09:30:00"}
    assert {str(stamp)[-6:] for stamp in first_of_day} == {"-05:00", "-04:00"}  # the clock change is inside


def test_one_key_gives_one_market_and_another_key_another():
    prints = [load_segment(MarketConfig(synthetic_seed=key)).fingerprint for key in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
    assert prints[0] == DEFAULT_FINGERPRINT


def test_it_is_made_within_a_second_and_a_half():
    began = time.perf_counter()
    SyntheticSource(3)
    assert time.perf_counter() - began < 1.5
