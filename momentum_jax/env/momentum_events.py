"""The momentum environment's event word: what `momentum_diagnostics` has flags for, from a step's telemetry."""

from __future__ import annotations

import jax

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.env.positions import EXIT, Telemetry

EVENT_WORD = EventWord.of(MOMENTUM)


def event_word(telemetry: Telemetry, terminated: jax.Array) -> jax.Array:
    """Word [] int32 of a step; its action is the one that was executed."""
    drawn = {"yoked_stop": telemetry.yoked_stop, "forced_trim": telemetry.forced_trim}
    return EVENT_WORD.pack(
        telemetry.executed_action,
        telemetry.setup_score,
        is_flat=telemetry.is_flat_pre,
        good_buy=telemetry.good_buy_bonus,
        missed_opportunity=telemetry.missed_opportunity,
        bad_chase=telemetry.bad_chase_penalty,
        low_advantage=telemetry.low_advantage_penalty,
        forced_stop=telemetry.forced_stop_loss,
        trade_closed=telemetry.trade_closed,
        episode_end=terminated,
        **{name: value for name, value in drawn.items() if value is not None},
    )


def exited(word: jax.Array) -> jax.Array:
    """Whether the policy sold the whole position in a step, bool of the word's shape."""
    return EVENT_WORD.action(word) == EXIT
