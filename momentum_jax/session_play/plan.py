"""Which sessions are played, and in what portions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.env.device_market import Market
from momentum_jax.session_play.play import Plan

_SESSIONS_AT_ONCE = 16  # whose features are held together, of every run


class SessionPlan(NamedTuple):
    """Whole sessions of a market in B portions of W; the last one is filled up with copies of the first session."""

    market: Market
    starts: jax.Array  # [B, W] int32: the cursor's first value
    names: jax.Array  # [B, W] uint32, see `Plan`
    steps: jax.Array  # [T] int32: 0, 1, … of the longest session


def portion(market: Market, labels: Sequence[str], places: np.ndarray) -> Plan:
    """The plan of some sessions.

    Args:
      market: its tables, one segment a session.
      labels: of all its sessions, see `Session.label`.
      places: [S] int: of the sessions among them.
    """
    names = [zlib.crc32(labels[place].encode()) for place in places.tolist()]
    longest = int(np.max(np.asarray(market.ends) - np.asarray(market.starts)))
    return Plan(
        starts=jnp.asarray(market.starts)[places],
        names=jnp.asarray(names, jnp.uint32),
        steps=jnp.arange(longest, dtype=jnp.int32),
    )


def session_plan(market: Market, labels: Sequence[str]) -> SessionPlan:
    """The plan of all sessions of a market; arguments as of `portion`."""
    number = len(labels)
    portions = -(-number // _SESSIONS_AT_ONCE)
    width = -(-number // portions)
    places = np.arange(portions * width)
    whole = portion(market, labels, np.where(places < number, places, 0))
    starts, names = (leaf.reshape(portions, width) for leaf in (whole.starts, whole.names))
    return SessionPlan(market=market, starts=starts, names=names, steps=whole.steps)
