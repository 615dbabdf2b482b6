"""The momentum environment's event word: what `momentum_diagnostics` has flags for, from a step's telemetry."""

from __future__ import annotations

import jax

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.env.rules import Telemetry

EVENT_WORD = EventWord.of(MOMENTUM)


def event_word(told: Telemetry, terminated: jax.Array) -> jax.Array:
    """Word [] int32 of a step; its action is the one that was executed."""
    drawn = {"yoked_stop": told.yoked_stop, "forced_trim": told.forced_trim}
    return EVENT_WORD.pack(
        told.executed_action,
        told.setup_score,
        is_flat=told.is_flat_pre,
        good_buy=told.good_buy_bonus,
        missed_opportunity=told.missed_opportunity,
        bad_chase=told.bad_chase_penalty,
        low_advantage=told.low_advantage_penalty,
        forced_stop=told.forced_stop_loss,
        trade_closed=told.trade_closed,
        episode_end=terminated,
        **{name: value for name, value in drawn.items() if value is not None},
    )
