"""The momentum environment's probe states, drawn once for all seeds, arms and checkpoints: flat, and in a position."""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from momentum_jax.diagnostics.probes import HALF_SIZE
from momentum_jax.env.environment_options import BLACK_SCHOLES
from momentum_jax.env.marks import valued
from momentum_jax.env.momentum_params import EnvParams
from momentum_jax.env.positions import BUY_CALL, BUY_PUT, State, initial_state

PROBE_SEED = 20_241_217
_POSITION_SEED = 20_261_127
LONGEST_HELD = 20
"""Bars since its entry of the oldest position among the probe states."""


def draw_version(num_segments: int) -> int:
    """Number of the way in which probe bars are drawn, recorded with a run: 2 leaves each segment's last bar out.

    One segment's draw is the same in both.
    """
    return 1 if num_segments == 1 else 2


def draw_probe_bars(first_bars: npt.ArrayLike, last_bars: npt.ArrayLike) -> np.ndarray:
    """Cursors [2, P] int32 of two disjoint halves, drawn without replacement from the bars at which an episode decides.

    P is 1 024, or half of what the segments have.

    Args:
      first_bars: [S] the cursor's first value in each segment, or a number for one segment.
      last_bars: [S] its last value, at which nothing is decided: the bar after it is another segment's, or none.
    """
    segments = zip(np.atleast_1d(first_bars), np.atleast_1d(last_bars), strict=True)
    candidates = np.concatenate([np.arange(first, last) for first, last in segments])
    size = min(HALF_SIZE, candidates.size // 2)
    drawn = np.random.default_rng(PROBE_SEED).choice(candidates, size=(2, size), replace=False)
    return np.sort(drawn, axis=1).astype(np.int32)


def draw_positions(bars: np.ndarray, first_bars: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """An open position at each of the probe bars: in each half as many calls as puts, 1 … `LONGEST_HELD` bars old.

    A position is bought at the close of its segment's second bar at the earliest, so those of the first bars are
    younger. At a segment's first bar no episode has one: its twin is bought at that very close.

    Args:
      bars: [2, P] cursors, as `draw_probe_bars` gives them.
      first_bars: as of `draw_probe_bars`.

    Returns:
      Kinds (1 call, 2 put) and bars of the entry, [2, P] int32 each.
    """
    draw = np.random.default_rng(_POSITION_SEED)
    calls = np.broadcast_to(np.arange(bars.shape[1]) % 2 == 0, bars.shape)
    kind = np.where(draw.permuted(calls, axis=1), BUY_CALL, BUY_PUT)
    held = draw.integers(1, LONGEST_HELD, bars.shape, endpoint=True)
    starts = np.sort(np.atleast_1d(first_bars))
    earliest = starts[np.searchsorted(starts, bars, side="right") - 1] + 1
    entry_bar = np.minimum(bars, np.maximum(bars - held, earliest))
    return kind.astype(np.int32), entry_bar.astype(np.int32)


def bars_before(bars: np.ndarray, first_bars: npt.ArrayLike, num_bars: int) -> tuple[np.ndarray, np.ndarray]:
    """The bars that an episode sees before each of the probe bars.

    Args:
      bars: [2, P] cursors.
      first_bars: as of `draw_probe_bars`.
      num_bars: K.

    Returns:
      Cursors [2, P, K] int32, oldest first, and whether an episode begins with each of them or with the probe bar
      itself, [2, P, K + 1] bool. Where a segment begins less than K bars before, its first bar stands for those before
      it, and each time an episode begins with it.
    """
    starts = np.sort(np.atleast_1d(first_bars))
    first = starts[np.searchsorted(starts, bars, side="right") - 1][..., None]
    passed = bars[..., None] + np.arange(-num_bars, 1)
    return np.maximum(passed, first)[..., :-1].astype(np.int32), passed <= first


def in_position(bars: np.ndarray, params: EnvParams) -> State:
    """States [2, P] with the positions of `draw_positions`.

    What was paid for them is left out with the reference's prices, for nobody sees it. With Black-Scholes prices they
    are of one contract, bought at the fill of their entry.
    """
    kind, entry_bar = draw_positions(bars, np.asarray(params.market.starts))
    prices = params.options.mark_to_market
    initial = partial(initial_state, params.market.prices.dtype, prices=prices)
    flat = jax.vmap(jax.vmap(initial))(jnp.asarray(bars))
    twins = dataclasses.replace(flat, kind=jnp.asarray(kind), entry_bar=jnp.asarray(entry_bar))
    if prices != BLACK_SCHOLES:
        return twins
    return jax.jit(jax.vmap(jax.vmap(partial(_bought, params=params))))(twins)


def _bought(twin: State, params: EnvParams) -> State:
    """The same state with its contract, as it was bought and as it is worth at the cursor's fill."""
    entry, now = (params.market.prices_at(bar) for bar in (twin.entry_bar, twin.bar))
    flat = dataclasses.replace(twin, kind=jnp.zeros_like(twin.kind))
    _, offer = valued(flat, twin.kind, twin.entry_bar, entry, entry, params.options)
    held = dataclasses.replace(twin, quantity=twin.cost_quantity, strike=offer.strike, paid=offer.paid)
    mark, _ = valued(held, twin.kind, twin.bar, now, entry, params.options)
    return dataclasses.replace(held, premium=mark.premium)
