"""One session played step by step through the public environment: the oracle of a backtest."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

from momentum_jax.env import rules
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum, make_params

ENV = Momentum()
_OBSERVE, _STEP, _MASK = (jax.jit(function) for function in (ENV.observe, ENV.step_env, ENV.action_mask))


class Played(NamedTuple):
    """A session's trades and counts."""

    pnls: list[float]
    returns: list[float]  # as the environment says
    stops: int
    steps: int
    held: int  # steps with an open position
    capital: float


def play_session(segment: Any, options: EnvOptions, choose: Any) -> Played:
    """Every step of a session; `choose(observation, mask, state, params)` gives the action."""
    params = make_params(segment, dataclasses.replace(options, liquidate_at_end=True))
    key = jax.random.key(0)
    state = rules.initial_state(np.float32, 20)
    pnls, returns, stops, steps, held, before, ended = [], [], 0, 0, 0, 0.0, False
    while not ended:
        mask = np.array(_MASK(state, params))
        if int(state.bar) + 1 == len(segment.bars) - 1:
            mask[1:3] = False
        action = choose(_OBSERVE(key, state, None, params), mask, state, params)
        was_flat, capital = int(state.kind) == 0, float(state.capital)
        held += not was_flat
        _, state, _, ended, info = _STEP(key, state, action, params)
        steps += 1
        if was_flat and int(state.kind) > 0:
            before = capital
        if bool(info["trade_closed"]):
            pnls.append(float(state.capital) - before)
            returns.append(float(info["trade_return"]))
            stops += bool(info["forced_stop_loss"])
    return Played(pnls, returns, stops, steps, held, float(state.capital))
