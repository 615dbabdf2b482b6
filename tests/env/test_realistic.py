"""The preset `realistic`: closed forms, its switches one by one, and its NumPy twin."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env import rules
from momentum_jax.env.black_scholes import option_value
from momentum_jax.env.environment_options import NEED_BLACK_SCHOLES
from momentum_jax.env.gymnasium import MomentumGymEnv
from momentum_jax.env.momentum import Momentum, make_market, make_params, typed_options
from momentum_jax.env.momentum_diagnostics import IN_POSITION
from momentum_jax.market.contract_terms import MINUTE
from momentum_jax.market.episode_bars import episodes_of
from momentum_jax.market.volatility_curve import calibrated_volatility
from tests.conftest import ROOT
from tests.env.realistic_market import DAYS, LENGTHS, VIX_BEFORE, make_sessions, realistic

HOLD, CALL, PUT, TRIM_50, TRIM_70, EXIT = range(6)


@pytest.fixture(scope="module")
def params():
    return make_params(make_sessions(), realistic())


@jax.jit
def _play(start, actions, params):
    def step(state, action):
        state, reward, terminated, told = rules.step(state, action, params.market, params.options)
        return state, (state, reward, terminated, told)

    return jax.lax.scan(step, Momentum(realistic()).state_at(start, params), actions)[1]


def play(params, session, actions, **options):
    """States, rewards, ends and telemetry of an action sequence from a session's start."""
    if options:
        params = params.replace(options=typed_options(realistic(**options)))
    return jax.device_get(_play(params.market.starts[session], jnp.asarray(actions, jnp.int32), params))


# --- prices ----------------------------------------------------------------------------------------------


def _textbook(is_put, spot, strike, years, sigma):
    """Black-Scholes as every book has it, in float64."""
    deviation = sigma * math.sqrt(years)
    d1 = (math.log(spot / strike) + (0.04 + sigma**2 / 2) * years) / deviation
    sign = -1 if is_put else 1
    cdf = [0.5 * math.erfc(-sign * d / math.sqrt(2)) for d in (d1, d1 - deviation)]
    return sign * (spot * cdf[0] - strike * math.exp(-0.04 * years) * cdf[1])


@pytest.mark.parametrize("is_put", [False, True])
@pytest.mark.parametrize("spot", [4700.0, 471.3, 12.4])
def test_float32_values_keep_the_digits_of_a_premium(is_put, spot):
    for minutes, sigma, distance in [(1, 0.3, 0.0), (60, 0.15, 1.5), (389, 0.8, -3.0), (200, 0.1, 0.2)]:
        strike = round(spot + distance * spot * sigma * math.sqrt(minutes * MINUTE), 1)
        expected = _textbook(is_put, spot, strike, minutes * MINUTE, sigma)
        # Read as float32 first: the rest is the option's own arithmetic.
        near, rest = np.float32(spot), spot - float(np.float32(spot))
        found = option_value(is_put, near, np.float32(rest), np.float32(strike), np.float32(minutes * MINUTE), sigma)
        # The strike's own rounding to float32 moves a value by as much.
        assert float(found) == pytest.approx(max(0.01, expected), rel=2e-5, abs=abs(float(np.float32(strike)) - strike))


def test_put_call_parity_at_the_mark():
    spot, strike, years = jnp.float32(500.25), jnp.float32(501.0), jnp.float32(120 * MINUTE)
    call, put = (option_value(side, spot, 0.0, strike, years, 0.2) for side in (False, True))
    assert float(call - put) == pytest.approx(500.25 - 501.0 * math.exp(-0.04 * 120 * MINUTE), abs=2e-6)


def test_at_expiry_an_option_is_worth_its_intrinsic_value_and_before_it_a_cent_at_least():
    for spot, call, put in [(502.5, 1.5, 0.0), (499.0, 0.0, 2.0), (501.0, 0.0, 0.0)]:
        values = [float(option_value(side, spot, 0.0, jnp.float32(501.0), 0.0, 0.2)) for side in (False, True)]
        assert values == [call, put]
    assert float(option_value(False, 480.0, 0.0, jnp.float32(501.0), MINUTE, 0.2)) == pytest.approx(0.01)


def test_the_curve_falls_with_the_time_left_and_stops_at_a_minute():
    ratio = calibrated_volatility(np.array([390.0, 60.0, 1.0, 0.0]), 20.0) / 0.2
    np.testing.assert_allclose(ratio, [0.503, 0.503 * 6.5**0.21, 0.503 * 390**0.21, 0.503 * 390**0.21])


# --- costs -----------------------------------------------------------------------------------------------


def test_a_round_trip_costs_exactly_spread_and_commission(params):
    """Bought and sold at the last bar's close: the premium cannot move in between."""
    steps = LENGTHS[0] - 20
    state, reward, ended, told = play(params, 0, [HOLD] * (steps - 1) + [CALL], half_spread=0.1, commission=3.0)
    assert ended[-1] and not ended[:-1].any() and state.kind[-1] == 0
    contracts, premium = state.entry_quantity[-1], state.premium[-1]
    costs = contracts * (2 * 100 * max(0.1 * premium, 0.01) + 2 * 3.0)
    assert told.value_change[-1] == pytest.approx(-costs, rel=1e-5)
    assert state.capital[-1] - 100_000 == pytest.approx(-costs, abs=0.05)
    assert reward[-1] == pytest.approx(-costs / 7_000, rel=1e-5)


@pytest.mark.parametrize(("action", "session"), [(CALL, 0), (PUT, 1)])
def test_costs_are_all_that_differs_between_the_same_trades(params, action, session):
    actions = [action, HOLD, TRIM_50, HOLD, EXIT]
    free = {"half_spread": 0.0, "half_spread_minimum": 0.0, "commission": 0.0, "stop_fires": False}
    with_costs = play(params, session, actions, stop_fires=False, commission=0.5, half_spread=0.03)
    without = play(params, session, actions, **free)
    bought, premiums = with_costs[0].entry_quantity[0], without[0].premium
    assert with_costs[0].kind[-1] == 0 and (with_costs[0].premium == premiums).all()
    sold = {2: max(1, bought // 2), 4: bought - max(1, bought // 2)}
    for at, number in ({0: bought} | sold).items():
        cost = number * (100 * max(0.03 * premiums[at], 0.01) + 0.5)
        moved = (premiums[at] - premiums[at - 1]) * 100 * (bought if at == 2 else number) if at else 0.0
        assert with_costs[3].value_change[at] == pytest.approx(moved - cost, abs=0.02)


def test_no_more_than_seven_per_cent_is_risked_costs_included(params):
    state = play(params, 0, [CALL], commission=40.0)[0]
    spent = 100_000 - state.capital[0]
    assert 7_000 - spent < 100 * state.paid[0] and spent <= 7_000
    assert spent == pytest.approx(state.quantity[0] * (100 * state.paid[0]), rel=1e-6)


def test_rewards_add_up_to_the_session_s_profit_in_units_of_risked_capital(params):
    rng = np.random.default_rng(3)
    actions = np.where(rng.random(LENGTHS[1] - 20) < 0.7, HOLD, rng.integers(0, 6, LENGTHS[1] - 20))
    state, reward, ended, told = play(params, 1, actions)
    assert ended[-1] and state.kind[-1] == 0 and told.trade_closed.sum() > 3
    assert reward.sum() * 7_000 == pytest.approx(state.capital[-1] - 100_000, abs=0.5)
    assert told.value_change.sum() == pytest.approx(state.capital[-1] - 100_000, abs=0.5)


# --- sessions and fills ----------------------------------------------------------------------------------


def test_each_session_is_an_episode_from_its_bar_20_to_its_last(params):
    market, bars = params.market, make_sessions().bars
    assert (np.asarray(market.ends - market.starts) == np.array(LENGTHS) - 20).all()
    closes = np.concatenate([[0], np.cumsum(LENGTHS)])
    for k, (first, length) in enumerate(zip(closes, LENGTHS, strict=False)):
        filled = np.asarray(market.prices_at(jnp.arange(market.starts[k] + 1, market.ends[k] + 1)).close)
        np.testing.assert_allclose(filled, bars[first + 20 : first + length, 3], rtol=1e-6)
    assert [episode.day for episode in episodes_of([make_sessions()], True)] == list(DAYS)


@pytest.mark.parametrize(("fill", "column", "minutes"), [("next_open", 0, 370), ("next_close", 3, 369)])
def test_orders_fill_at_the_next_bar(fill, column, minutes):
    segment = make_sessions()
    market = make_market([segment], options=realistic(fill=fill))
    now = market.prices_at(market.starts[0] + 1)
    assert float(now.close) == pytest.approx(segment.bars[20, column])
    assert float(now.expiry.fill_years / MINUTE) == pytest.approx(minutes, rel=1e-6)
    assert float(now.expiry.fill_sigma) == pytest.approx(calibrated_volatility(minutes, VIX_BEFORE[0]), rel=1e-6)


def test_half_days_end_at_one_and_a_session_that_breaks_off_is_sold_before_expiry(params):
    for session, left in ((1, 0.0), (2, 330.0)):
        last = params.market.prices_at(params.market.ends[session])
        assert float(last.expiry.fill_years / MINUTE) == pytest.approx(left, rel=1e-6)


def test_an_option_held_to_the_close_brings_its_intrinsic_value(params):
    steps = LENGTHS[1] - 20
    free = {"half_spread": 0.0, "half_spread_minimum": 0.0, "commission": 0.0, "stop_fires": False}
    state = play(params, 1, [PUT] + [HOLD] * (steps - 1), **free)[0]
    close = make_sessions().bars[sum(LENGTHS[:2]) - 1, 3]
    intrinsic = max(0.0, state.strike[-1] - close)
    spent = 100_000 - state.capital[0]
    assert state.capital[-1] == pytest.approx(100_000 - spent + 100 * state.quantity[0] * intrinsic, abs=0.1)


def test_an_option_cannot_be_bought_at_its_expiry(params):
    env, market = Momentum(realistic()), params.market
    for session, legal in ((0, False), (1, False), (2, True)):  # the third breaks off before the close
        last = [env.action_mask(env.state_at(market.ends[session] - back, params), params) for back in (1, 2)]
        assert last[0].tolist() == [True, legal, legal, False, False, False]
        assert last[1].tolist() == [True, True, True, False, False, False]
    probes = env.probe_states(market)[PRIMARY]
    at_expiry = np.isin(probes.compact.bar + 1, market.ends[:2])
    np.testing.assert_array_equal(probes.action_mask[..., 1], ~at_expiry)


def test_sessions_are_drawn_alike_by_the_key(params):
    drawn = np.asarray(jax.vmap(params.market.draw_start)(jax.random.split(jax.random.key(1), 600)))
    starts, counts = np.unique(drawn, return_counts=True)
    assert (starts == np.asarray(params.market.starts)).all() and counts.min() > 150
    rare = params.market.replace(cumulative=jnp.asarray([0.1, 0.2], jnp.float32))
    drawn = np.asarray(jax.vmap(rare.draw_start)(jax.random.split(jax.random.key(1), 600)))
    assert 0.75 < (drawn == starts[2]).mean() < 0.85 and 0.06 < (drawn == starts[0]).mean() < 0.14


# --- what the agent sees ---------------------------------------------------------------------------------


def test_account_features_are_return_bars_held_and_time_left(params):
    env = Momentum(realistic())
    state = env.state_at(params.market.starts[1], params)
    assert env.observe(None, state, None, params).shape == env.observation_shape == (20, 26)
    np.testing.assert_allclose(env.observe(None, state, None, params)[:, 23:], [[0, 0, 190 / 390]] * 20, rtol=1e-6)
    for action in (CALL, HOLD, HOLD):
        state = rules.step(state, jnp.int32(action), params.market, params.options)[0]
    seen = np.asarray(env.observe(None, state, None, params))[0, 23:]
    np.testing.assert_allclose(seen, [state.premium / state.paid - 1, 2 / 60, 187 / 390], rtol=2e-6)
    flat = env.flat_observation(params.market.starts, params.market)
    np.testing.assert_allclose(flat.account[:, 2], [370 / 390, 190 / 390, 370 / 390], rtol=1e-6)


def test_twins_of_the_probe_states_own_a_contract_bought_at_their_entry(params):
    env = Momentum(realistic())
    twins = env.probe_states(params.market)[IN_POSITION.name].env_state
    at = np.argmax(np.asarray(twins.bar - twins.entry_bar)[0])
    bar, entry, kind = (int(leaf[0, at]) for leaf in (twins.bar, twins.entry_bar, twins.kind))
    state = env.state_at(entry - 1, params)
    for action in (kind, *[HOLD] * (bar - entry)):
        state = rules.step(state, jnp.int32(action), params.market, params.options.__class__(**realistic_no_stop()))[0]
    for name in ("strike", "paid", "premium"):
        assert float(getattr(twins, name)[0, at]) == pytest.approx(float(getattr(state, name)), rel=1e-5)


def realistic_no_stop():
    return dataclasses.asdict(realistic(stop_fires=False))


def test_gymnasium_plays_one_session_after_another(params):
    env = MomentumGymEnv(params)
    lengths = []
    for seed in range(12):
        observation, _ = env.reset(seed=seed)
        assert observation.shape == env.observation_space.shape == (20, 26)
        ended, steps = False, 0
        while not ended and steps < 60:
            _, _, ended, _, _ = env.step(HOLD)
            steps += 1
        lengths.append(steps)
    assert set(lengths) == {LENGTHS[2] - 20, 60}


def test_kernels_of_the_wider_observation_come_back():
    env = Momentum(realistic())
    kernel = np.random.default_rng(0).normal(size=(520, 4)).astype(np.float32)
    rows, left_out = env.reduce_kernel(jnp.asarray(kernel))
    assert rows.shape == (330, 4) and len(env.input_counts) == 330
    np.testing.assert_allclose(env.restore_kernel(np.asarray(rows), left_out), kernel, atol=1e-6)


# --- the twin, and every option --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_numpy_twin_agrees_to_1e_9_in_float64():
    """In a process of its own, which computes in float64 from the start."""
    command = [sys.executable, "-m", "tests.env.realistic_replay"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]


@pytest.mark.parametrize("field", sorted(set(NEED_BLACK_SCHOLES) - {"account_features"}))
def test_every_option_of_these_prices_changes_some_reward(params, field):
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 6, LENGTHS[1] - 20)
    changed = {"strike_step": 5.0, "half_spread_minimum": 0.5}.get(field, 0.5)
    assert (play(params, 1, actions, **{field: changed})[1] != play(params, 1, actions)[1]).any()
