"""One session played step by step through the public environment: the oracle of a backtest."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import numpy as np

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum, make_params


@functools.cache
def _functions(env: Momentum) -> tuple:
    return tuple(jax.jit(function) for function in (env.observe, env.step_env, env.action_mask))


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
    env = Momentum(options)
    observe, advance, legal = _functions(env)
    params = make_params(segment, dataclasses.replace(options, liquidate_at_end=True))
    key = jax.random.key(0)
    state = env.state_at(20, params)
    pnls, returns, stops, steps, held, before, ended = [], [], 0, 0, 0, 0.0, False
    while not ended:
        mask = np.array(legal(state, params))
        if bool(params.market.is_last(state.bar + 1)):
            mask[1:3] = False
        action = choose(observe(key, state, None, params), mask, state, params)
        was_flat, capital = int(state.kind) == 0, float(state.capital)
        held += not was_flat
        _, state, _, ended, info = advance(key, state, action, params)
        steps += 1
        if was_flat and int(state.kind) > 0:
            before = capital
        if bool(info["trade_closed"]):
            pnls.append(float(state.capital) - before)
            returns.append(float(info["trade_return"]))
            stops += bool(info["forced_stop_loss"])
    return Played(pnls, returns, stops, steps, held, float(state.capital))
