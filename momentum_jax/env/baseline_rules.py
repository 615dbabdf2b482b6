"""Baselines that play the same sessions in the same program: fixed rules on what can be seen at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env import baselines as names
from momentum_jax.env.rules import BUY_CALL, BUY_PUT, EXIT, HOLD, STRONG_SCORE

RULES = (names.NOTHING, names.RANDOM, names.CALL, names.STRONG_CALL, names.STRONG_PUT)
_CODES = {name: code for code, name in enumerate(RULES)}


class Rules(NamedTuple):
    """Baselines side by side, leaves [P]."""

    code: jax.Array  # int32: position in `RULES`
    hold_bars: jax.Array  # int32: bars after which a strong setup's position is sold


def rule_codes(wanted: Sequence[str]) -> jax.Array:
    """Positions in `RULES` [P] int32 of baselines by name."""
    return jnp.asarray([_CODES[name] for name in wanted], jnp.int32)


def rule_action(rule: Rules, state: Any, mask: jax.Array, drawn: jax.Array, env_params: Any) -> jax.Array:
    """Action [] int32 of one baseline in one state; it reads nothing later than the window at the cursor.

    Args:
      rule: the baseline.
      state: of the environment.
      mask: [A] bool, True where an action is legal.
      drawn: [] int32 action of the baseline that draws legal ones with equal probabilities.
      env_params: of the environment.
    """
    setup = env_params.market.setup_at(state.bar)
    flat = state.kind == 0
    is_put = rule.code == _CODES[names.STRONG_PUT]
    score = jnp.where(is_put, setup.bear_score, setup.bull_score)
    # An action is executed at the next bar.
    overdue = state.bar + 1 - state.entry_bar >= rule.hold_bars
    strong = jnp.where(flat & (score >= STRONG_SCORE), jnp.where(is_put, BUY_PUT, BUY_CALL), HOLD)
    strong = jnp.where(~flat & overdue, EXIT, strong)
    action = jnp.where(rule.code == _CODES[names.NOTHING], HOLD, strong)
    action = jnp.where(rule.code == _CODES[names.RANDOM], drawn, action)
    action = jnp.where(rule.code == _CODES[names.CALL], jnp.where(flat, BUY_CALL, HOLD), action)
    return jnp.where(mask[action], action, HOLD).astype(jnp.int32)
