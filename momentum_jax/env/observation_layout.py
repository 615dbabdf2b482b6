"""The observation [20, 23] and its compact form [327], which holds what is constant over the window once.

Seven of the 23 columns have one value for the whole window (volatility, its trend, the slope, four Greeks): 140 inputs
of a network that reads the flattened observation carry 7 numbers. The 20 weights that meet one of them only act
through their sum, and always receive the same gradient. So the learner keeps their mean, feeds the number times 20,
and divides the gradient by 20: exactly what training all 460 rows does, with 133 rows less (see `ppo.optimizers`).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.market.features import CONSTANT_COLUMNS, WINDOW

NUM_COLUMNS = 23
NUM_GREEKS = 4
NUM_VARYING = NUM_COLUMNS - len(CONSTANT_COLUMNS) - NUM_GREEKS  # 16
_HELD = (*CONSTANT_COLUMNS, 19, 20, 21, 22)
_SPLIT = WINDOW * NUM_VARYING  # 320 features that vary over the window come first
NUM_MARKET_FEATURES = _SPLIT + len(CONSTANT_COLUMNS)  # 323

# How many inputs each feature stands for; features come multiplied by it.
INPUT_COUNTS = np.repeat([1.0, WINDOW], [_SPLIT, len(_HELD)]).astype(np.float32)  # [327]


def market_features(observation: np.ndarray) -> np.ndarray:
    """The market's part of the features, [R, 323], of market observations [R, 20, 19]."""
    varying = np.delete(observation, CONSTANT_COLUMNS, axis=2).reshape(observation.shape[0], -1)
    return np.concatenate([varying, WINDOW * observation[:, 0, CONSTANT_COLUMNS]], axis=1)


def position_features(greeks: jax.Array) -> jax.Array:
    """The position's part of the features, [..., 4], of squashed Greeks [..., 4]."""
    return WINDOW * greeks


def expand(features: jax.Array) -> jax.Array:
    """The observation [..., 20, 23] of features [..., 327]."""
    lead = features.shape[:-1]
    varying = features[..., :_SPLIT].reshape(*lead, WINDOW, NUM_VARYING)
    held = jnp.broadcast_to(features[..., None, _SPLIT:] / WINDOW, (*lead, WINDOW, len(_HELD)))
    pieces = (
        varying[..., 0:5],  # prices and volume
        held[..., 0:2],  # volatility and its trend
        varying[..., 5:14],
        held[..., 2:3],  # slope
        varying[..., 14:16],
        held[..., 3:7],  # Greeks
    )
    return jnp.concatenate(pieces, axis=-1)


def reduce_kernel(kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Split a first layer's kernel [460, H] into rows [327, H] that act on features, and what they leave out.

    The second value [20, 7, H] holds each held column's rows less their mean: training never changes it.
    """
    rows = kernel.reshape(WINDOW, NUM_COLUMNS, -1)
    varying = jnp.concatenate([rows[:, 0:5], rows[:, 7:16], rows[:, 17:19]], axis=1)
    held = rows[:, _HELD, :]
    mean = held.mean(axis=0)
    return jnp.concatenate([varying.reshape(_SPLIT, -1), mean]), held - mean


def restore_kernel(rows: Any, deviations: Any) -> np.ndarray:
    """The whole kernel [460, H] of `reduce_kernel`'s two parts, on the host."""
    kernel = np.empty((WINDOW, NUM_COLUMNS, rows.shape[-1]), rows.dtype)
    varying = [column for column in range(NUM_COLUMNS) if column not in _HELD]
    kernel[:, varying] = rows[:_SPLIT].reshape(WINDOW, NUM_VARYING, -1)
    kernel[:, _HELD] = rows[_SPLIT:] + deviations
    return kernel.reshape(WINDOW * NUM_COLUMNS, -1)
