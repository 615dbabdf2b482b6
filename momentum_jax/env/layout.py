"""The observation [20, 23] and its compact form [307], which holds every number once.

Of the 23 columns seven are constant over the window (volatility, its trend, the slope, four Greeks) and one is
1 minus another. The compact features are the 15 remaining columns of each bar, the three market constants and the
four Greeks. The observation is an affine map of them, so a first layer can be folded onto them exactly.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.market.features import WINDOW

NUM_COLUMNS = 23
NUM_VARYING = 15
NUM_CONSTANTS = 3
NUM_GREEKS = 4
NUM_MARKET_FEATURES = WINDOW * NUM_VARYING + NUM_CONSTANTS  # 303
_BODY, _WICK = 12, 13  # body and wick shares of a bar's range: they add up to one


def market_features(observation: np.ndarray) -> np.ndarray:
    """Compact market features [R, 303] of market observations [R, 20, 19]."""
    columns = [observation[:, :, a:b] for a, b in ((0, 5), (7, 13), (14, 16), (17, 19))]
    varying = np.concatenate(columns, axis=2).reshape(observation.shape[0], -1)
    return np.concatenate([varying, observation[:, 0, [5, 6, 16]]], axis=1)


def expand(features: jax.Array) -> jax.Array:
    """The observation [..., 20, 23] of compact features [..., 307]."""
    lead = features.shape[:-1]
    varying = features[..., : WINDOW * NUM_VARYING].reshape(*lead, WINDOW, NUM_VARYING)
    held = jnp.broadcast_to(features[..., None, WINDOW * NUM_VARYING :], (*lead, WINDOW, NUM_CONSTANTS + NUM_GREEKS))
    pieces = (
        varying[..., 0:5],  # prices and volume
        held[..., 0:2],  # volatility and its trend
        varying[..., 5:11],
        1.0 - varying[..., 10:11],  # wick = 1 - body
        varying[..., 11:13],
        held[..., 2:3],  # slope
        varying[..., 13:15],
        held[..., 3:7],  # Greeks
    )
    return jnp.concatenate(pieces, axis=-1)


def fold(kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fold a first layer's kernel onto the compact features.

    Args:
      kernel: [460, H], rows in the order of the flattened observation.

    Returns:
      ([307, H], [H]) such that `flat_observation @ kernel == features @ folded + offset`. Gradients reach every row
      of the full kernel.
    """
    rows = kernel.reshape(WINDOW, NUM_COLUMNS, -1)
    body = rows[:, _BODY : _BODY + 1] - rows[:, _WICK : _WICK + 1]
    varying = jnp.concatenate([rows[:, 0:5], rows[:, 7:12], body, rows[:, 14:16], rows[:, 17:19]], axis=1)
    totals = rows.sum(axis=0)  # [23, H]
    held = jnp.concatenate([totals[5:7], totals[16:17], totals[19:23]])
    return jnp.concatenate([varying.reshape(WINDOW * NUM_VARYING, -1), held]), totals[_WICK]
