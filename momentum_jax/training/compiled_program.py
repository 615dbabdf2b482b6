"""A program that is compiled aside, while others are traced and the runs' states are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import jax

from momentum_jax.processes import kernel_choices


class Program:
    """A function compiled ahead of time for arguments of given shapes; called like the function.

    An argument of another type is an error then, never a second compilation.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        aside: Executor,
        platform: str = "cpu",
        **settings: Any,
    ):
        """Traces at once; compiling goes on in `aside`, since XLA leaves Python's interpreter to others meanwhile.

        Args:
          function: of arrays.
          arguments: arrays, or their shapes and places.
          aside: where to compile.
          platform: what for.
          **settings: of `jax.jit`.
        """
        lowered = jax.jit(function, **settings).lower(*arguments)
        self._waiting = aside.submit(_timed, lowered.compile, _guard(platform))

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


def _timed(
    compile_now: Callable[[], jax.stages.Compiled], guard: AbstractContextManager[None]
) -> tuple[jax.stages.Compiled, float]:
    with guard:
        started = time.perf_counter()
        return compile_now(), time.perf_counter() - started


def _guard(platform: str) -> AbstractContextManager[None]:
    """On a GPU, other processes wait and find the program in the cache, with this one's choices of kernels."""
    cache = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    return kernel_choices.alone(Path(cache)) if platform == "gpu" and cache else nullcontext()
