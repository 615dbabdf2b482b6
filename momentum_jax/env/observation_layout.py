"""The observation [20, 23] and its compact form [327], which holds what is constant over the window once.

Account features add three columns to the first and three numbers to the second.

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
NUM_ACCOUNT_FEATURES = 3
_SPLIT = WINDOW * NUM_VARYING  # 320 features that vary over the window come first
NUM_MARKET_FEATURES = _SPLIT + len(CONSTANT_COLUMNS)  # 323


def columns_of(account_features: bool) -> int:
    """Columns of the observation: 23, or 26 with account features."""
    return NUM_COLUMNS + (NUM_ACCOUNT_FEATURES if account_features else 0)


def input_counts(num_columns: int) -> np.ndarray:
    """How many inputs each feature stands for, [F] float32; features come multiplied by it."""
    return np.repeat([1.0, WINDOW], [_SPLIT, len(_held(num_columns))]).astype(np.float32)


def _held(num_columns: int) -> tuple[int, ...]:
    """Columns with one value for the whole window."""
    return (*CONSTANT_COLUMNS, *range(NUM_COLUMNS - NUM_GREEKS, num_columns))


INPUT_COUNTS = input_counts(NUM_COLUMNS)  # [327]


def market_features(observation: np.ndarray) -> np.ndarray:
    """The market's part of the features, [R, 323], of market observations [R, 20, 19]."""
    varying = np.delete(observation, CONSTANT_COLUMNS, axis=2).reshape(observation.shape[0], -1)
    return np.concatenate([varying, WINDOW * observation[:, 0, CONSTANT_COLUMNS]], axis=1)


def position_features(greeks: jax.Array, account: jax.Array | tuple[()] = ()) -> jax.Array:
    """The position's part of the features: of squashed Greeks [..., 4], and of account features [..., 3] or ()."""
    if isinstance(account, tuple):
        return WINDOW * greeks
    return WINDOW * jnp.concatenate([greeks, account], axis=-1)


def expand(features: jax.Array) -> jax.Array:
    """The observation [..., 20, 23] of features [..., 327], or [..., 20, 26] of [..., 330]."""
    lead = features.shape[:-1]
    varying = features[..., :_SPLIT].reshape(*lead, WINDOW, NUM_VARYING)
    held = jnp.broadcast_to(features[..., None, _SPLIT:] / WINDOW, (*lead, WINDOW, features.shape[-1] - _SPLIT))
    pieces = (
        varying[..., 0:5],  # prices and volume
        held[..., 0:2],  # volatility and its trend
        varying[..., 5:14],
        held[..., 2:3],  # slope
        varying[..., 14:16],
        held[..., 3:],  # Greeks and account features
    )
    return jnp.concatenate(pieces, axis=-1)


def reduce_kernel(kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Split a first layer's kernel [460, H] into rows [327, H] that act on features, and what they leave out.

    With account features it is [520, H] and [330, H]. The second value [20, 7, H] holds each held column's rows less
    their mean, [20, 10, H] with account features: training never changes it.
    """
    num_columns = kernel.shape[0] // WINDOW
    rows = kernel.reshape(WINDOW, num_columns, -1)
    varying = jnp.concatenate([rows[:, 0:5], rows[:, 7:16], rows[:, 17:19]], axis=1)
    held = rows[:, _held(num_columns), :]
    mean = held.mean(axis=0)
    return jnp.concatenate([varying.reshape(_SPLIT, -1), mean]), held - mean


def restore_kernel(rows: Any, deviations: Any) -> np.ndarray:
    """The whole kernel [460, H] or [520, H] of `reduce_kernel`'s two parts, on the host."""
    num_columns = NUM_VARYING + rows.shape[0] - _SPLIT
    held = _held(num_columns)
    kernel = np.empty((WINDOW, num_columns, rows.shape[-1]), rows.dtype)
    varying = [column for column in range(num_columns) if column not in held]
    kernel[:, varying] = rows[:_SPLIT].reshape(WINDOW, NUM_VARYING, -1)
    kernel[:, held] = rows[_SPLIT:] + deviations
    return kernel.reshape(WINDOW * num_columns, -1)
