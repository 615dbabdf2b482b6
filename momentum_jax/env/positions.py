"""What the momentum environment keeps of one account, and what a step reports of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from momentum_jax.env.environment_options import BLACK_SCHOLES

HOLD, BUY_CALL, BUY_PUT, TRIM_50, TRIM_70, EXIT = range(6)
NUM_ACTIONS = 6
BUYS = (BUY_CALL, BUY_PUT)
STRONG_SCORE = 3
INITIAL_CAPITAL = 100_000.0
RISKED_FRACTION = 0.07  # of the capital, in each purchase


@struct.dataclass
class State:
    """Scalars of one environment. The entry's prices are looked up by its bar.

    With Black-Scholes prices the last three hold what the position is; they keep their values after it.
    """

    bar: jax.Array  # [] int32 cursor i, 20 … N-1
    kind: jax.Array  # [] int32: 0 flat, 1 call, 2 put
    entry_bar: jax.Array  # [] int32
    quantity: jax.Array  # [] int32 contracts held
    entry_quantity: jax.Array  # [] int32 contracts bought
    cost_quantity: jax.Array  # [] int32 contracts that `cost` still counts
    capital: jax.Array  # [] float
    unrealized_pnl: jax.Array  # [] float, of the last mark to market
    trade_pnl: jax.Array  # [] float: realised so far in this trade, as a fraction of its cost
    strike: Any = None  # [] float; None with the reference's prices
    paid: Any = None  # [] float dollars a share, costs included
    premium: Any = None  # [] float dollars a share: the position's at the last fill


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
    # [] float dollars, after costs, an open position at its premium; None with the reference's prices.
    value_change: jax.Array | None = None


def initial_state(dtype: jnp.dtype, first_bar: jax.Array | int, prices: str = "reference") -> State:
    """Flat at an episode's first bar with the initial capital. Leaves are strongly typed.

    Args:
      dtype: of prices and rewards.
      first_bar: the cursor [] int32.
      prices: `EnvOptions.mark_to_market`.
    """
    zero, one = jnp.zeros((), jnp.int32), jnp.ones((), jnp.int32)
    contract = jnp.ones((), dtype) if prices == BLACK_SCHOLES else None
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
        strike=contract,
        paid=contract,
        premium=contract,
    )
