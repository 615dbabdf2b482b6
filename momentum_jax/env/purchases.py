"""What an account without a position does with an action."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env.market_view import Setup
from momentum_jax.env.marks import Offer
from momentum_jax.env.positions import (
    BUY_CALL,
    BUY_PUT,
    EXIT,
    HOLD,
    RISKED_FRACTION,
    STRONG_SCORE,
    State,
    Telemetry,
)
from momentum_jax.env.traced_options import EnvOptions


class Purchase(NamedTuple):
    bought: jax.Array  # [] bool
    quantity: jax.Array  # [] int32
    cost: jax.Array  # [] float
    reward: jax.Array  # [] float of the step, for a flat state


def decide_flat(
    state: State, action: jax.Array, offer: Offer, setup: Setup, options: EnvOptions
) -> tuple[Purchase, Telemetry]:
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

    wanted = jnp.floor(RISKED_FRACTION * state.capital / (100.0 * offer.paid)).astype(jnp.int32)
    quantity = jnp.maximum(1, wanted)
    cost = quantity * offer.paid * 100.0
    bought = buys & (cost <= state.capital)

    reward = jnp.where(bought, options.buy_reward, options.unaffordable_penalty)
    reward = reward + jnp.where(good_buy, jnp.where(is_put, options.put_bonus, options.call_bonus), 0.0)
    reward = reward + jnp.where(bad_chase, options.chase_penalty, 0.0)
    reward = reward + jnp.where(low_advantage, options.low_advantage_penalty, 0.0)
    hold_reward = options.flat_hold + jnp.where(missed, options.missed_penalty, options.hold_tax)
    illegal = jnp.where(action == EXIT, options.flat_exit, options.flat_trim)
    purchase = Purchase(
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
