"""What a session adds up to, step by step, and its trades one by one."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env.momentum_events import EVENT_WORD, exited
from momentum_jax.env.task import Step
from momentum_jax.run_directory.backtest_names import BIG_LOSS, TAKE_PROFIT


class Tally(NamedTuple):
    """One policy's session so far; leaves [] float32 unless noted."""

    pnl: jax.Array  # dollars, of closed positions
    trades: jax.Array
    wins: jax.Array
    gross_gain: jax.Array  # dollars
    gross_loss: jax.Array  # dollars, positive
    worst_trade: jax.Array  # return of the cost; NaN before the first trade
    best_trade: jax.Array
    big_losses: jax.Array
    take_profits: jax.Array
    forced_stops: jax.Array
    bars_in_position: jax.Array
    steps: jax.Array
    turnover: jax.Array  # dollars


class OpenTrade(NamedTuple):
    """The position that is open; leaves []."""

    capital: jax.Array  # float: before it was bought
    cost: jax.Array  # float: what it took, commission included
    contracts: jax.Array  # int32


class Trade(NamedTuple):
    """What one step closes; leaves []. Only where `closed` is True do the others count."""

    closed: jax.Array  # bool
    kind: jax.Array  # int32: 1 call, 2 put
    entry_bar: jax.Array  # int32
    exit_bar: jax.Array  # int32
    contracts: jax.Array  # int32
    cost: jax.Array  # float, dollars
    pnl: jax.Array  # float, dollars
    stopped: jax.Array  # bool: by the forced stop
    at_close: jax.Array  # bool: sold because the session ended


def empty_tally() -> Tally:
    zero, none = jnp.zeros((), jnp.float32), jnp.full((), jnp.nan, jnp.float32)
    return Tally(*(none if name in ("worst_trade", "best_trade") else zero for name in Tally._fields))


def no_trade(state: Any) -> OpenTrade:
    """Before the first purchase."""
    return OpenTrade(state.capital, jnp.zeros_like(state.capital), jnp.zeros((), jnp.int32))


def traded(state: Any, step: Step, is_last: jax.Array, held: OpenTrade) -> tuple[OpenTrade, Trade]:
    """The open position after a step, and the trade that the step closes.

    A trade's profit is what the account has more after its last sale than before its purchase, costs and trims
    included; its return is that over what the purchase took.
    """
    bought = (state.kind == 0) & (step.state.kind > 0)
    own = OpenTrade(state.capital, state.capital - step.state.capital, step.state.quantity)
    now = jax.tree.map(lambda new, old: jnp.where(bought, new, old), own, held)
    stopped = EVENT_WORD.flag(step.event, "forced_stop")
    return now, Trade(
        closed=(state.kind > 0) & (step.state.kind == 0),
        kind=state.kind,
        entry_bar=state.entry_bar,
        exit_bar=step.state.bar,
        contracts=now.contracts,
        cost=now.cost,
        pnl=step.state.capital - now.capital,
        stopped=stopped,
        at_close=is_last & ~stopped & ~exited(step.event),
    )


def added(tally: Tally, trade: Trade, in_position: jax.Array, counts: jax.Array) -> Tally:
    """The tally after a step; `counts` [] bool is False once the session is over."""
    closed = trade.closed & counts
    fraction = trade.pnl / jnp.where(trade.cost > 0, trade.cost, 1)

    def number(where: jax.Array, amount: jax.Array | float = 1.0) -> jax.Array:
        return jnp.where(where, amount, 0.0).astype(jnp.float32)

    none = jnp.full((), jnp.nan, jnp.float32)
    own = jnp.where(closed, fraction, none).astype(jnp.float32)
    return Tally(
        pnl=tally.pnl + number(closed, trade.pnl),
        trades=tally.trades + number(closed),
        wins=tally.wins + number(closed & (trade.pnl > 0)),
        gross_gain=tally.gross_gain + number(closed & (trade.pnl > 0), trade.pnl),
        gross_loss=tally.gross_loss + number(closed & (trade.pnl < 0), -trade.pnl),
        worst_trade=jnp.fmin(tally.worst_trade, own),
        best_trade=jnp.fmax(tally.best_trade, own),
        big_losses=tally.big_losses + number(closed & (fraction < BIG_LOSS)),
        take_profits=tally.take_profits + number(closed & (fraction >= TAKE_PROFIT)),
        forced_stops=tally.forced_stops + number(closed & trade.stopped),
        bars_in_position=tally.bars_in_position + number(in_position & counts),
        steps=tally.steps + number(counts),
        turnover=tally.turnover + number(closed, 2 * trade.cost + trade.pnl),
    )
