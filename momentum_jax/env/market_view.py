"""What the rules see of the market: a bar's prices and setup, and what the bar after the cursor brings."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from momentum_jax.env.traced_options import EnvOptions


class TimeLeft(NamedTuple):
    """The time to the session's close, in years of trading time, and what goes with it; [] floats."""

    fill_years: Any  # from the fill; 0 at the close
    fill_sigma: Any
    seen_years: Any  # from the end of the window's last bar
    strike_step: Any  # dollars between the symbol's listed strikes


class Prices(NamedTuple):
    """One bar's prices; [] floats each. A close is the sum of two floats, so that moves keep their sign in float32."""

    close: Any
    close_rest: Any
    last_close: Any
    last_close_rest: Any
    sigma: Any
    call_premium: Any
    put_premium: Any
    expiry: Any = None  # `TimeLeft`; None with the reference's prices


class Setup(NamedTuple):
    """One bar's setup scores (0 … 4) and chase flags (0 or 1); [] int32 each."""

    bull_score: Any
    bear_score: Any
    bull_chase: Any
    bear_chase: Any


class MarketView(Protocol):
    """What the rules look up; `bar` is a cursor [...]."""

    def prices_at(self, bar: jax.Array) -> Prices: ...

    def setup_at(self, bar: jax.Array) -> Setup: ...

    def is_last(self, bar: jax.Array) -> jax.Array:
        """Whether an episode terminates there."""


class NextBar(NamedTuple):
    """What the next bar brings, whatever is done."""

    bar: jax.Array  # [] int32
    is_last: jax.Array  # [] bool: the episode terminates there
    prices: Prices
    setup: Setup


def next_bar(bar: jax.Array, market: MarketView, options: EnvOptions) -> NextBar:
    """What follows the cursor `bar` [...]; leaves [...]."""
    following = bar + 1
    judged = following - jnp.asarray(options.decision_time_setup, jnp.int32)
    return NextBar(following, market.is_last(following), market.prices_at(following), market.setup_at(judged))
