"""Strikes of the preset `realistic` lie in the steps in which each symbol's options are listed."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env import rules
from momentum_jax.env.momentum import EnvParams, Momentum, make_market, make_params, typed_options
from momentum_jax.market.contract_terms import listed_strike_step
from momentum_jax.market.errors import DataError
from tests.env.realistic_market import make_sessions, realistic

SEGMENTS = [dataclasses.replace(make_sessions(), symbol=symbol) for symbol in ("SPY", "SPX", "QQQ")]


def test_the_steps_that_are_listed():
    listed = {symbol: listed_strike_step(symbol) for symbol in ("SPX", "^SPX", "I:SPX", "^GSPC", "SPY", "QQQ", "MSFT")}
    assert listed == {"SPX": 5, "^SPX": 5, "I:SPX": 5, "^GSPC": 5, "SPY": 1, "QQQ": 1, "MSFT": 1}


@pytest.mark.parametrize(("given", "expected"), [(0.0, (1.0, 5.0, 1.0)), (2.5, (2.5, 2.5, 2.5))])
def test_one_program_strikes_each_symbol_in_its_own_steps_or_all_in_a_given_one(given, expected):
    options = realistic(strike_step=given)
    task, market = Momentum(options), make_market(SEGMENTS, options=options)
    params = EnvParams(market=market, options=typed_options(options))

    def strike(bar):
        bought, *_ = rules.step(task.state_at(bar, params), jnp.int32(rules.BUY_CALL), market, params.options)
        return bought.strike

    first = np.asarray(market.starts)  # of nine sessions, three of each symbol
    bars = first[:, None] + np.arange(30)
    strikes = np.asarray(jax.jit(jax.vmap(jax.vmap(strike)))(jnp.asarray(bars))).reshape(3, -1)
    spots = np.asarray(market.prices[bars + 1 - 20, 0]).reshape(3, -1)
    for step, found, spot in zip(expected, strikes, spots, strict=True):
        np.testing.assert_allclose(found, np.round(spot / step) * step, rtol=1e-6)
    assert len(np.unique(strikes[0])) > 2


def test_a_price_below_half_a_listed_step_is_refused_and_the_remedy_works():
    cheap = np.column_stack([SEGMENTS[1].bars[:, :4] / 200, SEGMENTS[1].bars[:, 4]])  # about 2 dollars
    index, stock = (dataclasses.replace(segment, bars=cheap) for segment in SEGMENTS[:2][::-1])
    with pytest.raises(DataError, match=r"^strike_step=5: .* where the strike is 0: take a smaller strike_step"):
        make_params(index, realistic(half_spread_minimum=0.0, commission=0.0))
    make_params(index, realistic(half_spread_minimum=0.0, commission=0.0, strike_step=0.5))
    make_params(stock, realistic(half_spread_minimum=0.0, commission=0.0))
