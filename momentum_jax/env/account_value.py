"""How the value of an account changes in a step, and what the agent sees of its account, with Black-Scholes prices."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from momentum_jax.env.market_view import Prices
from momentum_jax.env.marks import Mark
from momentum_jax.env.positions import INITIAL_CAPITAL, RISKED_FRACTION, State
from momentum_jax.env.pricing import unrealised_fraction

RISKED_CAPITAL = RISKED_FRACTION * INITIAL_CAPITAL  # dollars
BARS_HELD_UNIT = 60
DAYS_A_YEAR = 252  # of trading


def value_change(before: State, mark: Mark, bought: jax.Array, sold: jax.Array, paid: jax.Array) -> jax.Array:
    """Dollars [] by which cash and position change in a step, a position counted at its premium.

    Formed from the premium's move and the costs, not as a difference of account values, which float32 would round to
    a cent.

    Args:
      before: the state before the step.
      mark: the contract at the step's fill.
      bought, sold: contracts [] int32, what is liquidated at the end included.
      paid: dollars a share [] of a purchase, costs included.
    """
    moved = jnp.where(before.kind > 0, before.quantity * (mark.premium - before.premium), 0.0)
    costs = sold * (mark.premium - mark.sale_price) + bought * (paid - mark.premium)
    return 100.0 * (moved - costs)


def account_features(state: State, now: Prices) -> jax.Array:
    """What the agent sees of its account, [3] float32: columns 23 to 25 of the observation.

    Unrealised return on what was paid, at the last fill's premium, and bars held / 60, both 0 while flat; the share of
    a whole session that is left after the window's last bar.
    """
    held = state.bar - state.entry_bar
    unrealised = unrealised_fraction(state.quantity, state.cost_quantity, state.premium / state.paid - 1.0)
    of_position = jnp.where(state.kind > 0, jnp.stack([unrealised, held / BARS_HELD_UNIT]), 0.0)
    return jnp.clip(jnp.append(of_position, _time_left(now)), -10.0, 10.0).astype(jnp.float32)


def flat_features(now: Prices) -> jax.Array:
    """`account_features` without a position, [..., 3] float32; `now` [...]."""
    left = _time_left(now)
    return jnp.stack([jnp.zeros_like(left), jnp.zeros_like(left), left], axis=-1).astype(jnp.float32)


def _time_left(now: Prices) -> jax.Array:
    return now.expiry.seen_years * DAYS_A_YEAR
