"""What the golden records do not reach: the switches, and integer arithmetic over its whole range."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env import pricing, rule_interventions, rules
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.environment_options import NEED_BLACK_SCHOLES, PRESETS, SWITCHES, EnvOptions
from momentum_jax.env.momentum import Momentum, typed_options

ENV = Momentum()
HOLD, CALL, PUT, TRIM_50, TRIM_70, EXIT = range(6)


@jax.jit
def _play(actions, params):
    def step(state, given):
        action, key = given
        chance = rule_interventions.draw(key, params.options)
        state, reward, terminated, told = rules.step(state, action, params.market, params.options, chance)
        return state, (state, reward, terminated, told)

    keys = jax.random.split(jax.random.key(0), len(actions))
    return jax.lax.scan(step, rules.initial_state(jnp.float32, FIRST_BAR), (actions, keys))[1]


def play(market, actions, **options):
    """States, rewards, ends and telemetry of an action sequence from the start."""
    params = market.params.replace(options=typed_options(EnvOptions(**options)))
    return jax.device_get(_play(jnp.asarray(actions, jnp.int32), params))


def test_contracts_sold_equals_pythons_float64_product():
    quantity = np.arange(1, 200_001)
    for seventy, fraction in ((False, 0.5), (True, 0.7)):
        sold = pricing.contracts_sold(jnp.asarray(quantity, jnp.int32), jnp.asarray(seventy))
        expected = [max(1, math.floor(q * fraction)) for q in quantity.tolist()]
        np.testing.assert_array_equal(sold, expected)


def test_the_spec_example_of_a_rounded_product():
    assert int(pricing.contracts_sold(jnp.int32(90), jnp.asarray(True))) == 62


@pytest.mark.parametrize(
    ("fraction", "plain", "graded"),
    [
        (2.5, 2.0, 2.0),
        (1.0, 1.2, 1.2),
        (0.75, 1.0, 1.0),
        (0.5, 0.7, 0.7),
        (0.3, 0.5, 0.5),
        (0.2, 0.3, 0.3),
        (0.0, 0.0, 0.0),
        (-0.01, -0.2, -0.2),
        (-0.15, -0.9, -0.2),
        (-0.2, -0.9, -0.4),
        (-0.35, -0.9, -0.7),
        (-0.7, -0.9, -1.0),
    ],
)
def test_tiers(fraction, plain, graded):
    value = jnp.asarray(fraction, jnp.float32)
    assert float(pricing.return_tier(value, False)) == pytest.approx(plain)
    assert float(pricing.return_tier(value, True)) == pytest.approx(graded)


def test_a_trim_springs_the_trap_unless_it_reduces_cost(market):
    actions = [CALL, HOLD, TRIM_50, HOLD, HOLD]
    _, reward, _, told = play(market, actions)
    assert told.forced_stop_loss.tolist() == [False, False, False, True, False]
    assert reward[3] == pytest.approx(-1.7)
    state, _, _, told = play(market, actions, trim_reduces_cost=True)
    assert not told.forced_stop_loss.any()
    assert state.kind[-1] == 1
    assert abs(state.unrealized_pnl[-1]) < 0.05 * rules.INITIAL_CAPITAL * rules.RISKED_FRACTION


def test_put_sign_turns_the_puts_result_around(market):
    actions = [PUT] + [HOLD] * 40
    as_reference = play(market, actions)[0].unrealized_pnl[1:]
    mended = play(market, actions, put_sign=-1.0)[0].unrealized_pnl[1:]
    call = play(market, [CALL] + [HOLD] * 40)[0].unrealized_pnl[1:]
    # The decay is common to both signs: half their difference is the move's share.
    assert np.sign(as_reference - mended).tolist() == np.sign(_moves(market, 40)).tolist()
    assert np.corrcoef(as_reference, call)[0, 1] > 0.999


def _moves(market, count):
    close = market.segment.bars[:, 3]
    return close[FIRST_BAR + 2 : FIRST_BAR + 2 + count] - close[FIRST_BAR + 1]


def test_put_setup_pays_puts_for_bearish_setups_only(market):
    setups = np.asarray(market.params.market.setups)
    bull, bear = setups[1:, 0], setups[1:, 1]
    count = min(150, len(bull))
    told_reference, told_mirrored = (
        play(market, [HOLD] * step + [PUT], put_setup=sign)[3] for sign in (1.0, -1.0) for step in [0]
    )
    assert bool(told_reference.good_buy_bonus[0]) == bool(bull[0] >= 3)
    assert bool(told_mirrored.good_buy_bonus[0]) == bool(bear[0] >= 3)
    held = play(market, [HOLD] * count, put_setup=-1.0)[3]
    np.testing.assert_array_equal(held.setup_score, np.maximum(bull, bear)[:count])
    assert (bear[:count] > bull[:count]).any()


def test_decision_time_setups_are_one_bar_older(market):
    late = play(market, [HOLD] * 100)[3].setup_score
    own = play(market, [HOLD] * 100, decision_time_setup=True)[3].setup_score
    np.testing.assert_array_equal(own[1:], late[:-1])
    assert (own != late).any()


def test_hold_tax_in_position_is_the_switchs_only_effect(market):
    actions = [CALL, HOLD, HOLD, EXIT, HOLD]
    charged = play(market, actions)[1]
    free = play(market, actions, hold_tax_in_position=False)[1]
    np.testing.assert_allclose(free - charged, [0, 0.0005, 0.0005, 0, 0], atol=1e-7)


def test_liquidation_closes_the_position_at_the_end(market):
    steps = market.num_bars - FIRST_BAR - 1
    actions = [CALL] + [HOLD] * (steps - 1)
    dropped = play(market, actions)
    sold = play(market, actions, liquidate_at_end=True)
    assert dropped[2][-1]
    assert (dropped[0].kind[-1], sold[0].kind[-1]) == (1, 0)
    assert not dropped[3].trade_closed.any()
    assert sold[3].trade_closed.tolist() == [False] * (steps - 1) + [True]
    fraction = dropped[0].unrealized_pnl[-1] / (rules.INITIAL_CAPITAL - dropped[0].capital[-1])
    assert sold[3].trade_return[-1] == pytest.approx(fraction, rel=1e-3)
    tier = float(pricing.return_tier(jnp.float32(fraction), False))
    assert sold[1][-1] - dropped[1][-1] == pytest.approx(tier, abs=1e-6)
    assert sold[0].capital[-1] == pytest.approx(rules.INITIAL_CAPITAL + dropped[0].unrealized_pnl[-1], rel=1e-6)


def test_a_purchase_on_the_last_bar_is_liquidated_at_cost(market):
    steps = market.num_bars - FIRST_BAR - 1
    state, reward, _, told = play(market, [HOLD] * (steps - 1) + [CALL], liquidate_at_end=True)
    assert told.trade_closed[-1]
    assert told.trade_return[-1] == 0
    assert state.capital[-1] == pytest.approx(rules.INITIAL_CAPITAL)
    assert reward[-1] > 0


def test_trade_return_counts_all_parts_of_a_trade(market):
    actions = [CALL, HOLD, TRIM_50, HOLD, EXIT]
    state, _, _, told = play(market, actions, trim_reduces_cost=True)
    assert told.trade_closed.tolist() == [False, False, False, False, True]
    cost = rules.INITIAL_CAPITAL - state.capital[0]
    assert told.trade_return[-1] == pytest.approx((state.capital[-1] - rules.INITIAL_CAPITAL) / cost, abs=2e-6)


@pytest.mark.parametrize("score", range(5))
@pytest.mark.parametrize("preset", ["reference", "reference_1217"])
def test_rewards_while_flat_follow_the_setup_score(market, preset, score):
    scored = _with_tables(market, setups=jnp.zeros_like(market.params.market.setups).at[:, :2].set(score))
    strong, low = score >= 3, preset == "reference_1217" and score < 2
    base = -0.0001 if preset == "reference_1217" else -0.0003
    penalty = -0.15 if low else 0.0
    expected = {
        HOLD: base + (-0.06 if strong else -0.0005),
        CALL: 0.02 + (0.12 if strong else 0.0) + penalty,
        PUT: 0.02 + (0.10 if strong else 0.0) + penalty,
    }
    for action, reward in expected.items():
        _, rewards, _, told = play(scored, [action], **PRESETS[preset])
        assert rewards[0] == pytest.approx(reward, abs=1e-7)
        assert told.setup_score[0] == score and told.strong_setup[0] == strong
        assert told.good_buy_bonus[0] == (strong and action != HOLD)
        assert told.missed_opportunity[0] == (strong and action == HOLD)
        assert told.low_advantage_penalty[0] == (low and action != HOLD)


def test_rewards_of_holding_a_position_grow_with_the_bars_held(market):
    held = np.arange(1, 91)
    overstay = np.maximum(held - 30, 0)
    actions = [CALL] + [HOLD] * len(held)
    _, rewards, _, told = play(market, actions, pnl_weight=0.0)
    assert not told.forced_stop_loss.any()
    expected = -0.0005 - np.minimum(0.05, 0.001 * overstay)
    np.testing.assert_allclose(rewards[1:], expected, rtol=0, atol=1e-7)
    added = play(market, actions, pnl_weight=0.0, **PRESETS["reference_1217"])[1] - rewards
    np.testing.assert_allclose(
        added[1:], -0.05 - 0.01 * np.minimum(held, 60) / 60 - 0.01 * overstay / 60, rtol=0, atol=1e-7
    )


# What is in no reward of the reference's: a mask, what `test_realistic` turns on, the learner's weights of decisions.
_NO_REWARD = {"trims_legal", *SWITCHES, *NEED_BLACK_SCHOLES}
_NO_REWARD |= {f"{at}_{term}_weight" for at in ("flat", "position") for term in ("policy", "entropy")}


@pytest.mark.parametrize("field", sorted(EnvOptions.__dataclass_fields__.keys() - _NO_REWARD))
def test_every_option_changes_some_reward(market, field):
    # Random actions, legal or not, then a call held long, then a put held to the end.
    steps = market.num_bars - FIRST_BAR - 1
    actions = np.full(steps, HOLD)
    actions[:150] = np.random.default_rng(0).integers(0, 6, 150)
    actions[150:154] = [EXIT, EXIT, HOLD, CALL]
    actions[215:217] = [EXIT, PUT]
    default = getattr(EnvOptions(), field)
    changed = (not default) if isinstance(default, bool) else -default or -0.5
    beside = {}
    if field in ("stop_reward_weight", "trim_cost_share", "yoked_stop_rate", "forced_trim_rate"):
        changed, beside = 0.5, {"trim_reduces_cost": field == "trim_cost_share"}
    if field == "chase_penalty":
        market = _chasing(market)
    if field == "unaffordable_penalty":
        market = _unaffordable(market)
    base = play(market, actions, **beside)[1]
    assert (play(market, actions, **beside | {field: changed})[1] != base).any()


def _chasing(market):
    """The same market with every bar marked as a chase."""
    return _with_tables(market, setups=market.params.market.setups.at[:, 2:].set(1))


def _unaffordable(market):
    """The same market with premiums beyond the capital."""
    return _with_tables(market, prices=market.params.market.prices.at[:, 5:].set(1e6))


def _with_tables(market, **tables):
    params = market.params.replace(market=market.params.market.replace(**tables))
    return type(market)(segment=market.segment, num_bars=market.num_bars, params=params)
