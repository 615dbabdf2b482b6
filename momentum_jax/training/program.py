"""A program that is compiled aside, while others are traced and the runs' states are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import jax


class Program:
    """A function compiled ahead of time for arguments of given shapes; called like the function.

    An argument of another type is an error then, never a second compilation.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...], aside: Executor, **settings: Any):
        """Traces at once; compiling goes on in `aside`, since XLA leaves Python's interpreter to others meanwhile.

        Args:
          function: of arrays.
          arguments: arrays, or their shapes and places.
          aside: where to compile.
          **settings: of `jax.jit`.
        """
        lowered = jax.jit(function, **settings).lower(*arguments)
        self._waiting = aside.submit(_timed, lowered.compile)

    @property
    def compiled(self) -> jax.stages.Compiled:
        """The compiled program; waits for it. Raises what the compiler raised."""
        return self._waiting.result()[0]

    @property
    def compile_seconds(self) -> float:
        """Seconds that compiling took, beside whatever ran at the same time."""
        return self._waiting.result()[1]

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)


def _timed(compile_now: Callable[[], jax.stages.Compiled]) -> tuple[jax.stages.Compiled, float]:
    started = time.perf_counter()
    return compile_now(), time.perf_counter() - started
