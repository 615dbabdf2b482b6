"""Replays the traces of a golden record through the environment's public interface."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.env import rules
from momentum_jax.env.device_market import FIRST_BAR, device_market
from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.env.momentum import EnvParams, Momentum, typed_options
from momentum_jax.market.features import compute_features

ENV = Momentum()


class Replay(NamedTuple):
    observation: np.ndarray  # [n + 1, 20, 23]
    action_mask: np.ndarray  # [n + 1, 6]
    reward: np.ndarray  # [n]
    terminated: np.ndarray  # [n]
    info: dict[str, np.ndarray]  # [n] each
    position: np.ndarray  # [n, 7]


def traces(record: Any) -> list[str]:
    return sorted({name.split("/")[0] for name in record.files if "/" in name})


def params_of(record: Any, trace: str, preset: str, dtype: Any) -> EnvParams:
    num_bars = int(record[f"{trace}/num_bars"])
    features = compute_features(
        record["bars"][:num_bars], record["bar_time_ns"][:num_bars], record["vix_date_ns"], record["vix_close"]
    )
    options = typed_options(EnvOptions(**PRESETS[preset]), dtype)
    return EnvParams(market=device_market(features, dtype), options=options)


@jax.jit
def _scan(actions: jax.Array, params: EnvParams) -> tuple[Any, ...]:
    key = jax.random.key(0)
    observation, state = ENV.reset(key, params)

    def step(state: Any, action: jax.Array) -> tuple[Any, tuple[Any, ...]]:
        _, next_state, reward, terminated, _, info = ENV.step(key, state, action, params)
        # gymnax resets at the end; the record goes on showing the final state.
        final = rules.step(state, action, params.market, params.options)[0]
        observation = info.pop("final_observation")
        mask = ENV.action_mask(final, params)
        return next_state, (observation, mask, reward, terminated, info, final)

    _, outputs = jax.lax.scan(step, state, actions)
    return observation, ENV.action_mask(state, params), outputs


def replay(record: Any, trace: str, preset: str, dtype: Any) -> Replay:
    params = params_of(record, trace, preset, dtype)
    actions = record[f"{trace}/action"]
    # Holds until the market ends: all traces of a market share a program.
    padded = np.zeros(int(record[f"{trace}/num_bars"]) - FIRST_BAR - 1, np.int32)
    padded[: len(actions)] = actions
    first, first_mask, outputs = _scan(jnp.asarray(padded), params)
    observation, mask, reward, terminated, info, final = jax.tree.map(
        lambda leaf: np.asarray(leaf)[: len(actions)], outputs
    )
    return Replay(
        observation=np.concatenate([np.asarray(first)[None], observation]),
        action_mask=np.concatenate([np.asarray(first_mask)[None], mask]),
        reward=reward,
        terminated=terminated,
        info=info,
        position=_position_columns(final, params),
    )


def _position_columns(state: rules.State, params: EnvParams) -> np.ndarray:
    """capital, kind, qty, entry_premium, strike, cost, unrealized_pnl as the reference reports them."""
    prices = np.asarray(params.market.prices)[np.asarray(state.entry_bar) - FIRST_BAR]
    kind = np.asarray(state.kind)
    held = kind > 0
    premium = np.where(kind == 2, prices[:, 6], prices[:, 5])
    columns = (
        state.capital,
        kind,
        np.where(held, state.quantity, 0),
        np.where(held, premium, 0.0),
        np.where(held, np.round(prices[:, 0]), 0.0),
        np.where(held, state.cost_quantity * premium * 100.0, 0.0),
        state.unrealized_pnl,
    )
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
