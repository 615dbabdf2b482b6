"""The rules: one step of the momentum environment, as a pure function of scalars.

Order within a step: the cursor moves on, the open position is marked to market, a forced stop takes precedence,
otherwise the action is executed at the step's fill, in the reference the new bar's close. Every outcome is computed and
the right one selected, so a step has no branches and can be mapped over any number of runs. What a study changes is in
`env.rule_interventions`. Source: `environment.md` of the specification.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env import rule_interventions
from momentum_jax.env.account_value import RISKED_CAPITAL, value_change
from momentum_jax.env.environment_options import BLACK_SCHOLES
from momentum_jax.env.market_view import MarketView, NextBar, Prices, next_bar
from momentum_jax.env.marks import Mark, Offer, valued
from momentum_jax.env.positions import (
    BUY_CALL,
    BUY_PUT,
    BUYS,
    EXIT,
    HOLD,
    INITIAL_CAPITAL,
    NUM_ACTIONS,
    RISKED_FRACTION,
    STRONG_SCORE,
    TRIM_50,
    TRIM_70,
    State,
    Telemetry,
    initial_state,
)
from momentum_jax.env.pricing import contracts_sold, unrealised_fraction
from momentum_jax.env.purchases import Purchase, decide_flat
from momentum_jax.env.rule_interventions import Chance, tier_reward
from momentum_jax.env.traced_options import EnvOptions

__all__ = [
    "BUYS",
    "BUY_CALL",
    "BUY_PUT",
    "EXIT",
    "HOLD",
    "INITIAL_CAPITAL",
    "NUM_ACTIONS",
    "RISKED_FRACTION",
    "STRONG_SCORE",
    "TRIM_50",
    "TRIM_70",
    "State",
    "Telemetry",
    "action_mask",
    "initial_state",
    "step",
    "step_to",
]

NO_CHANCE = Chance()
STOP_RETURN = -0.15
OVERSTAY_AFTER = 30  # bars


class _Sale(NamedTuple):
    stopped: jax.Array  # [] bool
    sold: jax.Array  # [] int32 contracts
    cost_quantity: jax.Array  # [] int32 after the sale
    reward: jax.Array  # [] float of the step, for a position
    action: jax.Array  # [] int32 executed, also while flat
    yoked: jax.Array | None  # [] bool
    forced_trim: jax.Array | None  # [] bool


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
    mark, offer = valued(state, action, bar, now, entry, options)
    sale = _sale(state, action, mark, options, chance)
    purchase, flat_telemetry = decide_flat(state, action, offer, following.setup, options)

    quantity = jnp.where(in_position, state.quantity - sale.sold, purchase.quantity)
    trade_pnl = jnp.where(in_position, state.trade_pnl, 0.0)
    trade_pnl = trade_pnl + jnp.where(in_position, mark.sale_growth * sale.sold / state.entry_quantity, 0.0)
    proceeds = jnp.where(in_position, sale.sold * mark.sale_price * 100.0, 0.0)
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
        **_contract(state, purchase, mark, offer),
    )
    liquidated = terminated & options.liquidate_at_end & (traded.kind > 0)
    next_state, liquidation_reward = _liquidate(traded, liquidated, in_position, mark, purchase, options)
    reward = jnp.where(in_position, sale.reward, purchase.reward) + liquidation_reward
    change = None
    if options.mark_to_market == BLACK_SCHOLES:
        sold = sale.sold + quantity - next_state.quantity
        change = value_change(state, mark, purchase.quantity, sold, offer.paid)
        reward = reward + options.account_value_weight * change / RISKED_CAPITAL
    telemetry = flat_telemetry._replace(
        forced_stop_loss=sale.stopped,
        trade_closed=(in_position | purchase.bought) & (next_state.kind == 0),
        trade_return=jnp.where(next_state.kind == 0, next_state.trade_pnl, 0.0),
        executed_action=sale.action,
        yoked_stop=sale.yoked,
        forced_trim=sale.forced_trim,
        value_change=change,
    )
    return next_state, reward, terminated, telemetry


def _sale(state: State, action: jax.Array, mark: Mark, options: EnvOptions, chance: Chance) -> _Sale:
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
    exit_tier = tier_reward(mark.sale_fraction, options)
    trim_tier = jnp.where(seventy, 0.7, 0.5) * tier_reward(mark.sale_growth, options)
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


def _hold_reward(mark: Mark, options: EnvOptions) -> jax.Array:
    overstay = jnp.maximum(mark.held - OVERSTAY_AFTER, 0)
    reward = options.pnl_weight * mark.fraction + jnp.where(options.hold_tax_in_position, options.hold_tax, 0.0)
    reward = reward + jnp.maximum(options.overstay_limit, options.overstay_rate * overstay)
    ramp = options.position_hold_ramp * jnp.minimum(mark.held, 60) / 60.0
    return reward + options.position_hold + ramp + options.position_overstay_ramp * overstay / 60.0


def _contract(state: State, purchase: Purchase, mark: Mark, offer: Offer) -> dict[str, jax.Array]:
    """The fields of the state that say what the position is; none with the reference's prices."""
    if offer.strike is None:
        return {}
    return {
        "strike": jnp.where(purchase.bought, offer.strike, state.strike),
        "paid": jnp.where(purchase.bought, offer.paid, state.paid),
        "premium": mark.premium,
    }


def _liquidate(
    state: State,
    liquidated: jax.Array,
    in_position: jax.Array,
    mark: Mark,
    purchase: Purchase,
    options: EnvOptions,
) -> tuple[State, jax.Array]:
    """Sell what is still open at the end of the episode, rewarded like an exit.

    A purchase of this very bar brings its cost back with the reference's prices, which know no costs of a fill.
    """
    growth, value = mark.sale_growth, state.quantity * mark.sale_price * 100.0
    if options.mark_to_market != BLACK_SCHOLES:
        growth, value = jnp.where(in_position, growth, 0.0), jnp.where(purchase.bought, purchase.cost, value)
    fraction = unrealised_fraction(state.quantity, state.cost_quantity, growth)
    sold = jnp.where(liquidated, state.quantity, 0)
    closed = dataclasses.replace(
        state,
        kind=jnp.where(liquidated, 0, state.kind),
        quantity=state.quantity - sold,
        capital=state.capital + jnp.where(liquidated, value, 0.0),
        trade_pnl=state.trade_pnl + growth * sold / state.entry_quantity,
    )
    return closed, jnp.where(liquidated, tier_reward(fraction, options), 0.0)
