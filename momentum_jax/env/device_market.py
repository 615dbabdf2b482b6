"""The market as the compiled program sees it: tables on the device, looked up by bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from momentum_jax.env.market_view import Prices, Setup, TimeLeft
from momentum_jax.env.observation_layout import NUM_MARKET_FEATURES, market_features
from momentum_jax.market.features import WINDOW, Features

_ROWS_AT_ONCE = 8192  # windows put into compact form at once: 10 MB
FIRST_BAR = WINDOW  # the cursor's first value: the first bar with a full window behind it


@struct.dataclass
class Market:
    """Tables over the R = N - 20 bars with a full window behind them; row 0 is bar 20.

    Several segments lie behind each other: the next one's first bar with a full window follows the last bar of
    the one before, and an episode plays one of them, from a bar of `starts` to the same place's bar of `ends`.
    """

    windows: jax.Array  # [R, 323] float32: compact market features of the window at the bar
    prices: jax.Array  # [R, 7] float: the fields of `Prices` but the last
    setups: jax.Array  # [R, 4] int32: the fields of `Setup`
    starts: jax.Array  # [S] int32: the cursor's first value in each segment
    ends: jax.Array  # [S] int32: its last value
    log_weights: jax.Array  # [S] float32: log probability of each segment at the start of an episode
    # [S - 1] float32: probability of each segment or one before it, but the last; None where there are few. The draw
    # then takes one number in place of one a segment.
    cumulative: jax.Array | None = None
    expiry: jax.Array | None = None  # [R, 4] float: the fields of `TimeLeft`; None with the reference's prices

    @property
    def last_bar(self) -> int:
        """The cursor's last value in the last segment."""
        return self.windows.shape[0] + FIRST_BAR - 1

    def is_last(self, bar: jax.Array) -> jax.Array:
        """Whether an episode terminates at `bar` [...], [...] bool."""
        if self.ends.shape[0] == 1:  # known when compiling: one segment costs no draw and no search
            return bar >= self.last_bar
        return jnp.any(bar[..., None] == self.ends, axis=-1)

    def draw_start(self, key: jax.Array) -> jax.Array:
        """First bar of an episode on a segment drawn at random, [] int32."""
        if self.starts.shape[0] == 1:
            return jnp.full((), FIRST_BAR, jnp.int32)
        if self.cumulative is not None:
            drawn = jax.random.uniform(key, (), jnp.float32)
            return self.starts[jnp.searchsorted(self.cumulative, drawn, side="right", method="compare_all")]
        return self.starts[jax.random.categorical(key, self.log_weights)]

    def draw_window(self, key: jax.Array, length: jax.Array) -> jax.Array:
        """First bar [] int32 of a stretch of `length` steps, drawn at random in a segment drawn as an episode's is.

        In a segment that is shorter it is the first.
        """
        segment_key, bar_key = jax.random.split(key)
        segment = jax.random.categorical(segment_key, self.log_weights)
        start, end = self.starts[segment], self.ends[segment]
        return start + jax.random.randint(bar_key, (), 0, jnp.maximum(end - start - length, 0) + 1, jnp.int32)

    def path(self, bar: jax.Array, starts: jax.Array) -> jax.Array:
        """The cursor [T] at `bar` and over the steps that follow it, whatever is done.

        Args:
          bar: [] int32.
          starts: [T] int32; an episode that ends with step t is followed by one from `starts[t]`.
        """
        if self.ends.shape[0] == 1:
            length = self.last_bar - FIRST_BAR  # steps of an episode
            return FIRST_BAR + (bar - FIRST_BAR + jnp.arange(starts.shape[0], dtype=jnp.int32)) % length

        def advance(bar: jax.Array, start: jax.Array) -> tuple[jax.Array, jax.Array]:
            return jnp.where(self.is_last(bar + 1), start, bar + 1), bar

        return jax.lax.scan(advance, bar, starts)[1]

    def prices_at(self, bar: jax.Array) -> Prices:
        prices = Prices(*_unstack(self.prices, bar))
        return prices if self.expiry is None else prices._replace(expiry=TimeLeft(*_unstack(self.expiry, bar)))

    def setup_at(self, bar: jax.Array) -> Setup:
        return Setup(*_unstack(self.setups, bar))

    def window_features_at(self, bar: jax.Array) -> jax.Array:
        """Compact market features [..., 323] of the windows at `bar` [...]."""
        return self.windows[bar - FIRST_BAR]


def _unstack(table: jax.Array, bar: jax.Array) -> tuple[jax.Array, ...]:
    row = table[jnp.maximum(bar - FIRST_BAR, 0)]
    return tuple(row[..., column] for column in range(table.shape[1]))


def device_market(features: Features, dtype: jnp.dtype = jnp.float32) -> Market:
    """The market of one segment: `stacked_market` of its features."""
    return stacked_market([features], [len(features.close)], np.ones(1), dtype)


def stacked_market(
    parts: Iterable[Features],
    rows: Sequence[int],
    weights: np.ndarray,
    dtype: jnp.dtype = jnp.float32,
    many: bool = False,
) -> Market:
    """Round the float64 features of segments to the width of the environment and put them on the device.

    Args:
      parts: features of each segment; taken one at a time, so that a generator need not hold them all.
      rows: rows of each, known beforehand.
      weights: [S] probability of each segment at the start of an episode.
      dtype: float width of prices.
      many: whether the segment of an episode is drawn with one number. Without, the draws are the reference's.
    """
    windows = np.empty((sum(rows), NUM_MARKET_FEATURES), np.float32)
    prices, setups, expiry = [], [], []
    ends = np.cumsum(rows)
    starts = ends - rows
    for features, start in zip(parts, starts, strict=True):
        for row in range(0, len(features.close), _ROWS_AT_ONCE):
            compact = market_features(features.observation[row : row + _ROWS_AT_ONCE])
            windows[start + row : start + row + len(compact)] = compact
        prices.append(_prices(features, dtype))
        setups.append(_setups(features))
        if features.expiry is not None:
            expiry.append(np.stack(features.expiry, axis=1))
    return Market(
        windows=jax.device_put(windows),  # jnp.asarray would hold two further copies meanwhile
        prices=jnp.asarray(np.concatenate(prices), dtype),
        setups=jnp.asarray(np.concatenate(setups), jnp.int32),
        starts=jnp.asarray(starts + FIRST_BAR, jnp.int32),
        ends=jnp.asarray(ends + FIRST_BAR - 1, jnp.int32),
        log_weights=jnp.asarray(np.log(weights), jnp.float32),
        cumulative=jnp.asarray(np.cumsum(weights)[:-1], jnp.float32) if many else None,
        expiry=jnp.asarray(np.concatenate(expiry), dtype) if expiry else None,
    )


def _setups(features: Features) -> np.ndarray:
    setup = Setup(features.bull_score, features.bear_score, features.bull_chase, features.bear_chase)
    return np.stack(setup, axis=1).astype(np.int32)


def _prices(features: Features, dtype: jnp.dtype) -> np.ndarray:
    prices = (
        *_split(features.close, dtype),
        *_split(features.last_close, dtype),
        features.sigma,
        features.call_premium,
        features.put_premium,
    )
    return np.stack(prices, axis=1)


def _split(values: np.ndarray, dtype: jnp.dtype) -> tuple[np.ndarray, np.ndarray]:
    rounded = values.astype(dtype).astype(np.float64)
    return rounded, values - rounded
