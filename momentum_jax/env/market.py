"""The market as the compiled program sees it: tables on the device, looked up by bar."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from momentum_jax.env.layout import market_features
from momentum_jax.market.features import WINDOW, Features

FIRST_BAR = WINDOW  # the cursor's first value: the first bar with a full window behind it


class Prices(NamedTuple):
    """One bar's prices; [] floats each. A close is the sum of two floats, so that moves keep their sign in float32."""

    close: Any
    close_rest: Any
    last_close: Any
    last_close_rest: Any
    sigma: Any
    call_premium: Any
    put_premium: Any


class Setup(NamedTuple):
    """One bar's setup scores (0 … 4) and chase flags (0 or 1); [] int32 each."""

    bull_score: Any
    bear_score: Any
    bull_chase: Any
    bear_chase: Any


@struct.dataclass
class Market:
    """Tables over the R = N - 20 bars with a full window behind them; row 0 is bar 20."""

    windows: jax.Array  # [R, 323] float32: compact market features of the window at the bar
    prices: jax.Array  # [R, 7] float: the fields of `Prices`
    setups: jax.Array  # [R, 4] int32: the fields of `Setup`

    @property
    def last_bar(self) -> int:
        """The cursor's last value N - 1, where the episode terminates."""
        return self.windows.shape[0] + FIRST_BAR - 1

    def prices_at(self, bar: jax.Array) -> Prices:
        return Prices(*_unstack(self.prices, bar))

    def setup_at(self, bar: jax.Array) -> Setup:
        return Setup(*_unstack(self.setups, bar))

    def window_features_at(self, bar: jax.Array) -> jax.Array:
        """Compact market features [..., 323] of the windows at `bar` [...]."""
        return self.windows[bar - FIRST_BAR]


def _unstack(table: jax.Array, bar: jax.Array) -> tuple[jax.Array, ...]:
    row = table[jnp.maximum(bar - FIRST_BAR, 0)]
    return tuple(row[column] for column in range(table.shape[1]))


def device_market(features: Features, dtype: jnp.dtype = jnp.float32) -> Market:
    """Round the float64 features to the width of the environment and put them on the device."""
    close, close_rest = _split(features.close, dtype)
    last_close, last_close_rest = _split(features.last_close, dtype)
    prices = Prices(
        close=close,
        close_rest=close_rest,
        last_close=last_close,
        last_close_rest=last_close_rest,
        sigma=features.sigma,
        call_premium=features.call_premium,
        put_premium=features.put_premium,
    )
    setup = Setup(features.bull_score, features.bear_score, features.bull_chase, features.bear_chase)
    return Market(
        windows=jnp.asarray(market_features(features.observation), jnp.float32),
        prices=jnp.asarray(np.stack(prices, axis=1), dtype),
        setups=jnp.asarray(np.stack(setup, axis=1), jnp.int32),
    )


def _split(values: np.ndarray, dtype: jnp.dtype) -> tuple[np.ndarray, np.ndarray]:
    rounded = values.astype(dtype).astype(np.float64)
    return rounded, values - rounded
