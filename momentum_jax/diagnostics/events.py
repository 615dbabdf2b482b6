"""One int32 word per environment step: what happened, packed inside jit and counted on the host.

Counting on the host makes checkpoints exact at any step for any list of checkpoints without compiling anew, and
costs 12 bytes a step (the word, the reward, the trade's return).

From the lowest bit: the flags of `FLAGS` in their order, the setup score in as many bits as the scores need, and the
action in all others except the sign. Words are counted at once and never stored.
"""

from __future__ import annotations

from typing import Any, TypeVar

from momentum_jax.diagnostics.variables import SETUP_SCORES

Array = TypeVar("Array", bound=Any)

FLAGS = (
    "is_flat",
    "good_buy",
    "missed_opportunity",
    "bad_chase",
    "low_advantage",
    "forced_stop",
    "trade_closed",
    "episode_end",
)
_SCORE_SHIFT, _SCORE_BITS = len(FLAGS), max(SETUP_SCORES).bit_length()
_ACTION_SHIFT = _SCORE_SHIFT + _SCORE_BITS
MAX_ACTIONS = 1 << (31 - _ACTION_SHIFT)
"""Discrete actions that a word can tell apart: 1 048 576."""


def pack(action: Array, setup_score: Array, **flags: Array) -> Array:
    """Pack integer arrays (0 … MAX_ACTIONS - 1, and a score of `SETUP_SCORES`) and boolean flags of the same shape."""
    word = (action << _ACTION_SHIFT) | (setup_score << _SCORE_SHIFT)
    for name, value in flags.items():
        word = word | (value.astype(word.dtype) << FLAGS.index(name))
    return word


def action(word: Array) -> Array:
    return word >> _ACTION_SHIFT


def setup_score(word: Array) -> Array:
    return (word >> _SCORE_SHIFT) & ((1 << _SCORE_BITS) - 1)


def flag(word: Array, name: str) -> Array:
    """Boolean array: was the named flag of `FLAGS` set?"""
    return ((word >> FLAGS.index(name)) & 1).astype(bool)
