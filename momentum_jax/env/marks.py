"""What a contract is worth at a fill, what a purchase pays for it and what a sale brings.

The reference values a position by an unlevered formula and knows no costs. With Black-Scholes prices a position has
its strike, the time left and its side, and each fill costs half of the spread and a commission. Which of the two a
program computes is known when it is compiled.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env.black_scholes import option_value
from momentum_jax.env.environment_options import BLACK_SCHOLES
from momentum_jax.env.market_view import Prices
from momentum_jax.env.positions import BUY_PUT, State
from momentum_jax.env.pricing import premium_growth, unrealised_fraction
from momentum_jax.env.traced_options import EnvOptions


class Mark(NamedTuple):
    """The open position at the fill, before anything is sold; of what a purchase opens with Black-Scholes prices."""

    premium: jax.Array  # [] float dollars a share, between bid and ask
    growth: jax.Array  # [] float: premium / what was paid - 1
    held: jax.Array  # [] int32 bars
    fraction: jax.Array  # [] float: unrealised / cost
    cost: jax.Array  # [] float dollars
    sale_price: jax.Array  # [] float dollars a share that a sale brings, after costs
    sale_growth: jax.Array  # [] float: sale_price / what was paid - 1
    sale_fraction: jax.Array  # [] float: what selling everything brings / cost - 1


class Offer(NamedTuple):
    """The contract that a purchase opens."""

    paid: jax.Array  # [] float dollars a share, costs included
    strike: jax.Array | None = None  # [] float; None with the reference's prices


def valued(
    state: State, action: jax.Array, bar: jax.Array, now: Prices, entry: Prices, options: EnvOptions
) -> tuple[Mark, Offer]:
    """The position and the offer at the cursor `bar` [] int32, with the prices `now` at the fill and `entry` before."""
    if options.mark_to_market == BLACK_SCHOLES:
        return _black_scholes(state, action, bar, now, options)
    return _reference(state, action, bar, now, entry, options)


def _reference(
    state: State, action: jax.Array, bar: jax.Array, now: Prices, entry: Prices, options: EnvOptions
) -> tuple[Mark, Offer]:
    entry_premium = jnp.where(state.kind == BUY_PUT, entry.put_premium, entry.call_premium)
    held = bar - state.entry_bar
    sign = jnp.where(state.kind == BUY_PUT, options.put_sign, 1.0)
    growth = premium_growth(now, entry, entry_premium, held, sign)
    premium = entry_premium * (1.0 + growth)
    fraction = unrealised_fraction(state.quantity, state.cost_quantity, growth)
    mark = Mark(
        premium=premium,
        growth=growth,
        held=held,
        fraction=fraction,
        cost=state.cost_quantity * entry_premium * 100.0,
        sale_price=premium,
        sale_growth=growth,
        sale_fraction=fraction,
    )
    return mark, Offer(paid=jnp.where(action == BUY_PUT, now.put_premium, now.call_premium))


def _black_scholes(
    state: State, action: jax.Array, bar: jax.Array, now: Prices, options: EnvOptions
) -> tuple[Mark, Offer]:
    """One contract is valued: the position's, or while flat the one on offer for the action."""
    in_position = state.kind > 0
    is_put = jnp.where(in_position, state.kind, action) == BUY_PUT
    expiry = now.expiry
    step = jnp.where(options.strike_step > 0, options.strike_step, expiry.strike_step)
    strike = jnp.where(in_position, state.strike, jnp.round(now.close / step) * step)
    premium = option_value(is_put, now.close, now.close_rest, strike, expiry.fill_years, expiry.fill_sigma)
    half_spread, commission = half_spread_of(premium, options), options.commission / 100.0
    asked = premium + half_spread + commission
    paid = jnp.where(in_position, state.paid, asked)
    sale_price = jnp.maximum(premium - half_spread, 0.0) - commission
    growth, sale_growth = premium / paid - 1.0, sale_price / paid - 1.0
    mark = Mark(
        premium=premium,
        growth=growth,
        held=bar - state.entry_bar,
        fraction=unrealised_fraction(state.quantity, state.cost_quantity, growth),
        cost=state.cost_quantity * paid * 100.0,
        sale_price=sale_price,
        sale_growth=sale_growth,
        sale_fraction=unrealised_fraction(state.quantity, state.cost_quantity, sale_growth),
    )
    return mark, Offer(paid=asked, strike=strike)


def half_spread_of(premium: jax.Array, options: EnvOptions) -> jax.Array:
    """Half of the spread [] in dollars a share; where it exceeds the premium an option sells for nothing."""
    return jnp.maximum(options.half_spread * premium, options.half_spread_minimum)
