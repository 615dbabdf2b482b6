"""One int32 word per environment step: what happened, packed inside jit and counted on the host.

Counting on the host makes checkpoints exact at any step for any list of checkpoints without compiling anew, and
costs 12 bytes a step (the word, the reward, the trade's return).

bits 0-2 action · 3-5 setup score · 6 … the flags of `FLAGS` in their order.
"""

from __future__ import annotations

from typing import Any, TypeVar

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
_SCORE_SHIFT, _FLAG_SHIFT = 3, 6
EPISODE_END = 1 << (_FLAG_SHIFT + FLAGS.index("episode_end"))


def pack(action: Array, setup_score: Array, **flags: Array) -> Array:
    """Pack integer arrays (0 … 7 each) and boolean flags of the same shape into words."""
    word = action | (setup_score << _SCORE_SHIFT)
    for name, value in flags.items():
        word = word | (value.astype(word.dtype) << (_FLAG_SHIFT + FLAGS.index(name)))
    return word


def action(word: Array) -> Array:
    return word & 0b111


def setup_score(word: Array) -> Array:
    return (word >> _SCORE_SHIFT) & 0b111


def flag(word: Array, name: str) -> Array:
    """Boolean array: was the named flag of `FLAGS` set?"""
    return ((word >> (_FLAG_SHIFT + FLAGS.index(name))) & 1).astype(bool)
