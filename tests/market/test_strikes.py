"""Whole-dollar strikes on instruments of every price."""

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.features import entry_premiums
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.prepare import prepare
from momentum_jax.market.volatility_curve import implied_volatility
from tests.market.advice import flags_in


def bars_at(price: float) -> pd.DataFrame:
    index = pd.date_range("2024-05-14 09:30", periods=390, freq="min", tz="America/New_York", unit="ns")
    close = price * (1 + 1e-4 * np.sin(np.arange(390)))
    columns = {"open": close, "high": close * 1.0005, "low": close * 0.9995, "close": close, "volume": 1000.0}
    return pd.DataFrame(columns, index=index)


def cheap(price: float, **options) -> list:
    config = MarketConfig(data_source="csv", data_path="x.csv", **options)
    return [f for f in prepare(bars_at(price), None, "X", config).report.findings if f.kind == "cheap"]


@pytest.mark.parametrize("price", [0.02, 0.25, 0.49])
def test_a_strike_of_0_is_an_error(price):
    (found,) = cheap(price)
    assert found.severity == "error" and "390 of 390 closes are 0.50 or less" in found.text


@pytest.mark.parametrize("price", [1.0, 12.5, 12.25, 25.0, 50.0])
def test_premiums_that_are_mostly_rounding_are_a_warning(price):
    (found,) = cheap(price)
    assert found.severity == "warn" and f"at a price of {price:.2f}" in found.text


@pytest.mark.parametrize("price", [150.0, 500.0, 5000.0])
def test_usual_prices_are_left_alone(price):
    assert cheap(price) == []


def test_the_premium_at_12_50_is_what_the_warning_is_about():
    sigma = implied_volatility(np.array([20.0]))
    call, _ = entry_premiums(np.array([12.5]), sigma)
    struck_at_the_price, _ = entry_premiums(np.array([1250.0]), sigma)
    assert call[0] == pytest.approx(0.50, abs=0.01) and struck_at_the_price[0] / 100 == pytest.approx(0.03, abs=0.01)


@pytest.mark.parametrize(("price", "scale"), [(0.25, 1.0), (12.5, 1.0), (0.02, 100.0)])
def test_the_scale_that_the_finding_names_helps(price, scale):
    (found,) = cheap(price, file_price_scale=scale)
    (flag,) = flags_in(found.text)
    wanted = float(flag.removeprefix("--file_price_scale="))
    assert cheap(price * scale / wanted) == []


def test_bars_of_a_vendor_get_no_advice_on_files():
    config = MarketConfig(data_source="yfinance", start_date="2024-05-14", end_date="2024-05-14")
    (found,) = [f for f in prepare(bars_at(12.5), None, "X", config).report.findings if f.kind == "cheap"]
    assert flags_in(found.text) == [] and found.text.endswith("take an instrument with a higher price")
