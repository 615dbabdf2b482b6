"""The reference's rules: one step of the momentum environment, as a pure function of scalars.

Order within a step: the cursor moves on, the open position is marked to market, a forced stop takes precedence,
otherwise the action is executed at the new bar's close. Every outcome is computed and the right one selected, so a
step has no branches and can be mapped over any number of runs. What a study changes is in `env.rule_interventions`.
Source: `environment.md` of the specification.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from momentum_jax.env import rule_interventions
from momentum_jax.env.market_view import MarketView, NextBar, Prices, Setup, next_bar
from momentum_jax.env.pricing import contracts_sold, premium_growth, return_tier, unrealised_fraction
from momentum_jax.env.rule_interventions import Chance
from momentum_jax.env.traced_options import EnvOptions

HOLD, BUY_CALL, BUY_PUT, TRIM_50, TRIM_70, EXIT = range(6)
NUM_ACTIONS = 6
FLAT_MASK = (True, True, True, False, False, False)  # legal without a position; in one, HOLD and the others
STRONG_SCORE = 3
STOP_RETURN = -0.15
INITIAL_CAPITAL = 100_000.0
NO_CHANCE = Chance()
RISKED_FRACTION = 0.07
OVERSTAY_AFTER = 30  # bars


@struct.dataclass
class State:
    """Scalars of one environment. The entry's prices are looked up by its bar."""

    bar: jax.Array  # [] int32 cursor i, 20 … N-1
    kind: jax.Array  # [] int32: 0 flat, 1 call, 2 put
    entry_bar: jax.Array  # [] int32
    quantity: jax.Array  # [] int32 contracts held
    entry_quantity: jax.Array  # [] int32 contracts bought
    cost_quantity: jax.Array  # [] int32 contracts that `cost` still counts
    capital: jax.Array  # [] float
    unrealized_pnl: jax.Array  # [] float, of the last mark to market
    trade_pnl: jax.Array  # [] float: realised so far in this trade, as a fraction of its cost


class Telemetry(NamedTuple):
    """What one step reports. On a forced stop all fields but the stop's and the trade's are zero."""

    is_flat_pre: jax.Array  # [] bool: no position before the step
    setup_score: jax.Array  # [] int32, 0 while in a position
    strong_setup: jax.Array  # [] bool
    chase_setup: jax.Array  # [] bool
    good_buy_bonus: jax.Array  # [] bool
    missed_opportunity: jax.Array  # [] bool
    bad_chase_penalty: jax.Array  # [] bool
    low_advantage_penalty: jax.Array  # [] bool
    forced_stop_loss: jax.Array  # [] bool
    trade_closed: jax.Array  # [] bool
    trade_return: jax.Array  # [] float: return on the closed trade's cost, else 0
    executed_action: jax.Array  # [] int32: the chosen one, or the trim in its place
    yoked_stop: jax.Array | None = None  # [] bool; None where no run asks for it
    forced_trim: jax.Array | None = None  # [] bool: a trim replaced the chosen action; None where no run asks for it


class _Mark(NamedTuple):
    """The open position at the new bar, before anything is sold."""

    premium: jax.Array  # [] float
    growth: jax.Array  # [] float: premium / entry premium - 1
    held: jax.Array  # [] int32 bars
    fraction: jax.Array  # [] float: unrealised / cost
    cost: jax.Array  # [] float


class _Sale(NamedTuple):
    stopped: jax.Array  # [] bool
    sold: jax.Array  # [] int32 contracts
    cost_quantity: jax.Array  # [] int32 after the sale
    reward: jax.Array  # [] float of the step, for a position
    action: jax.Array  # [] int32 executed, also while flat
    yoked: jax.Array | None  # [] bool
    forced_trim: jax.Array | None  # [] bool


class _Purchase(NamedTuple):
    bought: jax.Array  # [] bool
    quantity: jax.Array  # [] int32
    cost: jax.Array  # [] float
    reward: jax.Array  # [] float of the step, for a flat state


def initial_state(dtype: jnp.dtype, first_bar: jax.Array | int) -> State:
    """Flat at a segment's first bar with the initial capital. Leaves are strongly typed."""
    zero, one = jnp.zeros((), jnp.int32), jnp.ones((), jnp.int32)
    return State(
        bar=jnp.asarray(first_bar, jnp.int32),
        kind=zero,
        entry_bar=jnp.asarray(first_bar, jnp.int32),
        quantity=zero,
        entry_quantity=one,
        cost_quantity=one,
        capital=jnp.full((), INITIAL_CAPITAL, dtype),
        unrealized_pnl=jnp.zeros((), dtype),
        trade_pnl=jnp.zeros((), dtype),
    )


def action_mask(state: State, options: EnvOptions) -> jax.Array:
    """[..., 6] bool, True = legal: flat {HOLD, buys}, in a position {HOLD, trims, exit}, unless trims are illegal."""
    flat = state.kind == 0
    trims = ~flat if options.trims_legal is None else ~flat & options.trims_legal
    return jnp.stack([jnp.ones_like(flat), flat, flat, trims, trims, ~flat], axis=-1)


def step(
    state: State, action: jax.Array, market: MarketView, options: EnvOptions, chance: Chance = NO_CHANCE
) -> tuple[State, jax.Array, jax.Array, Telemetry]:
    """One step: (next state, reward [] float, terminated [] bool, telemetry). Illegal actions are executed too."""
    entry = market.prices_at(state.entry_bar)
    return step_to(next_bar(state.bar, market, options), state, action, entry, options, chance)


def step_to(
    following: NextBar,
    state: State,
    action: jax.Array,
    entry: Prices,
    options: EnvOptions,
    chance: Chance = NO_CHANCE,
) -> tuple[State, jax.Array, jax.Array, Telemetry]:
    """`step` with the market looked up already: the bar that follows, and the prices at the position's entry."""
    bar, terminated, now = following.bar, following.is_last, following.prices
    in_position = state.kind > 0
    mark = _mark(state, bar, now, entry, options)
    sale = _sale(state, action, mark, options, chance)
    purchase, flat_telemetry = _purchase(state, action, now, following.setup, options)

    quantity = jnp.where(in_position, state.quantity - sale.sold, purchase.quantity)
    trade_pnl = jnp.where(in_position, state.trade_pnl, 0.0)
    trade_pnl = trade_pnl + jnp.where(in_position, mark.growth * sale.sold / state.entry_quantity, 0.0)
    proceeds = jnp.where(in_position, sale.sold * mark.premium * 100.0, 0.0)
    traded = State(
        bar=bar,
        kind=jnp.where(quantity == 0, 0, jnp.where(in_position, state.kind, action)).astype(jnp.int32),
        entry_bar=jnp.where(purchase.bought, bar, state.entry_bar),
        quantity=quantity,
        entry_quantity=jnp.where(purchase.bought, purchase.quantity, state.entry_quantity),
        cost_quantity=jnp.where(purchase.bought, purchase.quantity, sale.cost_quantity),
        capital=state.capital + proceeds - purchase.cost,
        unrealized_pnl=jnp.where(in_position, mark.cost * mark.fraction, state.unrealized_pnl),
        trade_pnl=trade_pnl,
    )
    growth = jnp.where(in_position, mark.growth, 0.0)
    liquidated = terminated & options.liquidate_at_end & (traded.kind > 0)
    next_state, liquidation_reward = _liquidate(traded, liquidated, growth, mark.premium, purchase, options)
    reward = jnp.where(in_position, sale.reward, purchase.reward) + liquidation_reward
    telemetry = flat_telemetry._replace(
        forced_stop_loss=sale.stopped,
        trade_closed=(in_position | purchase.bought) & (next_state.kind == 0),
        trade_return=jnp.where(next_state.kind == 0, next_state.trade_pnl, 0.0),
        executed_action=sale.action,
        yoked_stop=sale.yoked,
        forced_trim=sale.forced_trim,
    )
    return next_state, reward, terminated, telemetry


def _mark(state: State, bar: jax.Array, now: Prices, entry: Prices, options: EnvOptions) -> _Mark:
    entry_premium = jnp.where(state.kind == BUY_PUT, entry.put_premium, entry.call_premium)
    held = bar - state.entry_bar
    sign = jnp.where(state.kind == BUY_PUT, options.put_sign, 1.0)
    growth = premium_growth(now, entry, entry_premium, held, sign)
    return _Mark(
        premium=entry_premium * (1.0 + growth),
        growth=growth,
        held=held,
        fraction=unrealised_fraction(state.quantity, state.cost_quantity, growth),
        cost=state.cost_quantity * entry_premium * 100.0,
    )


def _sale(state: State, action: jax.Array, mark: _Mark, options: EnvOptions, chance: Chance) -> _Sale:
    """What a position does with the action: stop, hold, trim or exit."""
    in_position = state.kind > 0
    stopped = rule_interventions.stops(in_position & (mark.fraction <= STOP_RETURN), options)
    yoked = None if chance.stops is None else chance.stops & in_position & ~stopped
    forced_sale = stopped if yoked is None else stopped | yoked
    forced_trim = None
    if chance.trim is not None:
        forced_trim = chance.trim.replaces & in_position & ~forced_sale
        action = jnp.where(forced_trim, jnp.where(chance.trim.seventy, TRIM_70, TRIM_50), action)
    seventy = action == TRIM_70
    trims = ((action == TRIM_50) | seventy) & in_position & ~forced_sale
    exits = in_position & (forced_sale | (action == EXIT))
    sold = jnp.where(exits, state.quantity, jnp.where(trims, contracts_sold(state.quantity, seventy), 0))
    shrinks = trims & options.trim_reduces_cost
    shrunk = rule_interventions.cost_quantity(state.quantity - sold, state.entry_quantity, options)
    exit_tier = return_tier(mark.fraction, options.graded_loss_tiers)
    trim_tier = jnp.where(seventy, 0.7, 0.5) * return_tier(mark.growth, options.graded_loss_tiers)
    buys = (action == BUY_CALL) | (action == BUY_PUT)
    reward = jnp.where(buys, options.position_buy, _hold_reward(mark, options))
    reward = jnp.where(trims, trim_tier, reward)
    exit_reward = exit_tier + jnp.where(stopped, options.stop_penalty, 0.0)
    reward = jnp.where(exits, rule_interventions.sale_reward(exit_reward, stopped, yoked, options), reward)
    return _Sale(
        stopped=stopped,
        sold=sold,
        cost_quantity=jnp.where(shrinks, shrunk, state.cost_quantity),
        reward=reward,
        action=action,
        yoked=yoked,
        forced_trim=forced_trim,
    )


def _hold_reward(mark: _Mark, options: EnvOptions) -> jax.Array:
    overstay = jnp.maximum(mark.held - OVERSTAY_AFTER, 0)
    reward = options.pnl_weight * mark.fraction + jnp.where(options.hold_tax_in_position, options.hold_tax, 0.0)
    reward = reward + jnp.maximum(options.overstay_limit, options.overstay_rate * overstay)
    ramp = options.position_hold_ramp * jnp.minimum(mark.held, 60) / 60.0
    return reward + options.position_hold + ramp + options.position_overstay_ramp * overstay / 60.0


def _purchase(
    state: State, action: jax.Array, now: Prices, setup: Setup, options: EnvOptions
) -> tuple[_Purchase, Telemetry]:
    """What a flat state does with the action: hold, buy, or an illegal trim or exit."""
    flat = state.kind == 0
    is_put = action == BUY_PUT
    buys = flat & ((action == BUY_CALL) | is_put)
    holds = flat & (action == HOLD)
    mirrored = jnp.asarray(options.put_setup < 0)
    side_score = jnp.where(is_put & mirrored, setup.bear_score, setup.bull_score)
    # With mirrored puts a setup of either side is an opportunity.
    score = jnp.where(mirrored, jnp.maximum(setup.bull_score, setup.bear_score), setup.bull_score)
    chase = jnp.where(mirrored, setup.bull_chase | setup.bear_chase, setup.bull_chase) > 0
    side_chase = jnp.where(is_put & mirrored, setup.bear_chase, setup.bull_chase) > 0
    good_buy = buys & (side_score >= STRONG_SCORE)
    missed = holds & (score >= STRONG_SCORE)
    bad_chase = buys & side_chase
    low_advantage = buys & (side_score < 2) & (options.low_advantage_penalty != 0)

    premium = jnp.where(is_put, now.put_premium, now.call_premium)
    wanted = jnp.floor(RISKED_FRACTION * state.capital / (100.0 * premium)).astype(jnp.int32)
    quantity = jnp.maximum(1, wanted)
    cost = quantity * premium * 100.0
    bought = buys & (cost <= state.capital)

    reward = jnp.where(bought, options.buy_reward, options.unaffordable_penalty)
    reward = reward + jnp.where(good_buy, jnp.where(is_put, options.put_bonus, options.call_bonus), 0.0)
    reward = reward + jnp.where(bad_chase, options.chase_penalty, 0.0)
    reward = reward + jnp.where(low_advantage, options.low_advantage_penalty, 0.0)
    hold_reward = options.flat_hold + jnp.where(missed, options.missed_penalty, options.hold_tax)
    illegal = jnp.where(action == EXIT, options.flat_exit, options.flat_trim)
    purchase = _Purchase(
        bought=bought,
        quantity=jnp.where(bought, quantity, 0),
        cost=jnp.where(bought, cost, 0.0),
        reward=jnp.where(buys, reward, jnp.where(holds, hold_reward, illegal)),
    )
    no = jnp.zeros_like(flat)
    telemetry = Telemetry(
        is_flat_pre=flat,
        setup_score=jnp.where(flat, score, 0),
        strong_setup=flat & (score >= STRONG_SCORE),
        chase_setup=flat & chase,
        good_buy_bonus=good_buy,
        missed_opportunity=missed,
        bad_chase_penalty=bad_chase,
        low_advantage_penalty=low_advantage,
        forced_stop_loss=no,
        trade_closed=no,
        trade_return=jnp.zeros_like(state.trade_pnl),
        executed_action=action,
    )
    return purchase, telemetry


def _liquidate(
    state: State, liquidated: jax.Array, growth: jax.Array, premium: jax.Array, purchase: _Purchase, options: EnvOptions
) -> tuple[State, jax.Array]:
    """Sell what is still open at the end of the segment, rewarded like an exit; a purchase of this very bar at cost."""
    fraction = unrealised_fraction(state.quantity, state.cost_quantity, growth)
    value = jnp.where(purchase.bought, purchase.cost, state.quantity * premium * 100.0)
    sold = jnp.where(liquidated, state.quantity, 0)
    closed = dataclasses.replace(
        state,
        kind=jnp.where(liquidated, 0, state.kind),
        quantity=state.quantity - sold,
        capital=state.capital + jnp.where(liquidated, value, 0.0),
        trade_pnl=state.trade_pnl + growth * sold / state.entry_quantity,
    )
    return closed, jnp.where(liquidated, return_tier(fraction, options.graded_loss_tiers), 0.0)
