"""One int32 word per environment step: what happened, packed inside jit and counted on the host.

Counting on the host makes checkpoints exact at any step for any list of checkpoints without another compilation, and
costs 8 bytes a step (the word and the reward), or 12 where the task has an outcome of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.fields import ConfigError

Array = TypeVar("Array", bound=Any)

EPISODE_END = "episode_end"
"""The flag that every environment has: the step was an episode's last."""

_BITS = 31  # all but the sign, which says that no action was legal


def marked(word: Array, nothing_legal: Array) -> Array:
    """Words [...] int32, negative where no action was legal: the run that took such a step has failed."""
    return word | (nothing_legal.astype(word.dtype) << _BITS)


def unmarked(words: Array) -> tuple[Array, Array]:
    """What `marked` was given: words [...], and where no action was legal [...] bool."""
    return words & ((1 << _BITS) - 1), words < 0


@dataclass(frozen=True)
class EventWord:
    """How the words of one environment are laid out. They are counted at once and never stored.

    From the lowest bit: `EPISODE_END`, the environment's flags in their order, the context's position in as many bits
    as the contexts need, and the action in all others except the sign.
    """

    flags: tuple[str, ...]
    num_contexts: int
    num_actions: int

    @classmethod
    def of(cls, diagnostics: Diagnostics) -> EventWord:
        """The layout for an environment's flags, contexts and actions.

        Raises:
          ConfigError: a word has not bits enough for them.
        """
        word = cls(diagnostics.flags, len(diagnostics.contexts), len(diagnostics.actions))
        if word.num_actions > word.max_actions:
            raise ConfigError(
                f"{diagnostics.environment} has {word.num_actions} actions: at most {word.max_actions} can be recorded "
                f"beside {len(word.flags)} flags and {word.num_contexts} contexts"
            )
        return word

    @property
    def max_actions(self) -> int:
        """Discrete actions that a word can tell apart."""
        return 1 << max(0, _BITS - self._action_shift)

    def pack(self, action: Array, context: Array | int = 0, **flags: Array) -> Array:
        """Words of integer actions, of contexts by their position, and of boolean flags, arrays of one shape."""
        word = (action << self._action_shift) | (context << self._context_shift)
        for name, value in flags.items():
            word = word | (value.astype(word.dtype) << self._place[name])
        return word

    def action(self, word: Array) -> Array:
        return word >> self._action_shift

    def context(self, word: Array) -> Array:
        """Position of the context."""
        return (word >> self._context_shift) & ((1 << self._context_bits) - 1)

    def flag(self, word: Array, name: str) -> Array:
        """Boolean array: was the named flag set?"""
        return ((word >> self._place[name]) & 1).astype(bool)

    def bits(self, names: Iterable[str]) -> int:
        """The bits of the named flags together."""
        return sum(1 << self._place[name] for name in set(names))

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate((EPISODE_END, *self.flags))}

    @property
    def _context_shift(self) -> int:
        return 1 + len(self.flags)

    @property
    def _context_bits(self) -> int:
        return max(0, self.num_contexts - 1).bit_length()

    @property
    def _action_shift(self) -> int:
        return self._context_shift + self._context_bits
