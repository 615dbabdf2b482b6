"""What the momentum environment is played on: tables of the market on the device, and one arm's options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from momentum_jax.env.contract_checks import check_contracts
from momentum_jax.env.device_market import FIRST_BAR, Market, stacked_market
from momentum_jax.env.environment_options import BLACK_SCHOLES
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.fields import without_unused
from momentum_jax.market.contract_terms import LAGGED_CLOSE, listed_strike_step
from momentum_jax.market.episode_bars import Episode, episodes_of
from momentum_jax.market.features import Features, compute_features
from momentum_jax.market.fills import FillTerms
from momentum_jax.market.segment import Segment, episode_weights


@struct.dataclass
class EnvParams:
    """What an environment is played on: the market's tables and one arm's options (leaves [] of numbers)."""

    market: Market
    options: EnvOptions


def make_params(segment: Segment, options: EnvOptions | None = None, dtype: Any = jnp.float32) -> EnvParams:
    """Compute a segment's features (float64, on the host) and move them to the device.

    Args:
      segment: the bars to play on.
      options: rewards and switches; the reference preset by default.
      dtype: float width of prices and rewards: float32, or float64 under JAX's x64 mode.

    Raises:
      ConfigError: options that do not go together.
      DataError: when the segment is too short, or its options cannot be traded with these options.
    """
    options = options or EnvOptions()
    options.validate()
    market = make_market([segment], dtype=dtype, options=options)
    check_contracts(market, [options])
    return EnvParams(market=market, options=typed_options(options, dtype))


def make_market(
    segments: Sequence[Segment], policy: str = "all", dtype: Any = jnp.float32, options: EnvOptions | None = None
) -> Market:
    """The tables of all episodes, computed one at a time: of the segments, or of their sessions.

    Args:
      segments: at least one.
      policy: how an episode is drawn, see `market.segment.episode_weights`.
      dtype: float width of prices.
      options: whose static switches say what an episode is, where orders fill and what options are priced by; the
        reference by default.

    Raises:
      DataError: when a segment is too short, or no session is long enough.
    """
    options = options or EnvOptions()
    episodes = episodes_of(segments, options.session_episodes)
    terms = FillTerms(options.fill, options.implied_volatility, expiry=options.mark_to_market == BLACK_SCHOLES)
    rows = [max(0, len(episode.bars) - FIRST_BAR + (terms.fill != LAGGED_CLOSE)) for episode in episodes]
    parts = (_features(episode, terms) for episode in episodes)
    return stacked_market(parts, rows, episode_weights(episodes, policy), dtype, many=options.session_episodes)


def _features(episode: Episode, terms: FillTerms) -> Features:
    segment = episode.segment
    terms = terms._replace(strike_step=listed_strike_step(segment.symbol))
    return compute_features(
        episode.bars, episode.bar_time_ns, segment.vix_date_ns, segment.vix_close, segment.vix_timing, terms
    )


def typed_options(options: EnvOptions, dtype: Any = jnp.float32) -> EnvOptions:
    """Options as strongly typed arrays, None where an intervention is off.

    Python numbers would be weakly typed and recompile every program.
    """

    def typed(value: Any) -> np.ndarray:
        return np.asarray(value, np.bool_ if isinstance(value, bool) else dtype)

    return jax.tree.map(typed, *without_unused([options]))
