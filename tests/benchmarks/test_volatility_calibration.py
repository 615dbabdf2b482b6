"""The constants of implied volatility are what real quotes say."""

from __future__ import annotations

import pytest

from benchmarks import volatility_calibration
from momentum_jax.env.environment_options import PRESETS
from momentum_jax.market.volatility_curve import OPENING_RATIO, TIME_POWER, implied_volatility


def test_the_constants_in_code_are_those_of_the_quotes(shared_data):
    table = volatility_calibration.quotes(shared_data)
    fit = volatility_calibration.fitted(table)
    assert len(table) == 462
    assert fit.opening_ratio == pytest.approx(OPENING_RATIO, abs=5e-4)
    assert fit.time_power == pytest.approx(TIME_POWER, abs=5e-4)
    error = volatility_calibration.errors(table, volatility_calibration.volatility_of(fit, table))[1]
    of_vix = volatility_calibration.errors(table, implied_volatility(table["vix"].to_numpy()))[1]
    assert error < 0.08 and of_vix > 0.9
    relative = (table["call_spread"] / table["call"] + table["put_spread"] / table["put"]) / 2
    assert relative.median() == pytest.approx(PRESETS["realistic"]["half_spread"], abs=5e-4)
