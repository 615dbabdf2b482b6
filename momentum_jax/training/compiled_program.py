"""Programs that are compiled aside, while others are traced and the runs' states are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any

import jax

from momentum_jax.processes import jax_settings, kernel_choices
from momentum_jax.processes.machine import usable_cores


class Compiler:
    """Compiles in threads of its own: XLA leaves Python's interpreter to others meanwhile.

    For a GPU, programs whose kernels are timed are compiled one after the other, so that each finds the choices that
    those before it have made; all others side by side.
    """

    def __init__(self, platform: str, at_a_time: int | None = None, say: Callable[[str], None] | None = None):
        """`at_a_time` programs are timed at once, instead of one; `say` hears of what is waited for."""
        self._platform = platform
        self._say = say
        self._side_by_side = ThreadPoolExecutor(usable_cores())
        self._in_turns = ThreadPoolExecutor(at_a_time or 1) if platform == "gpu" else self._side_by_side
        self._jobs: list[Future[Any]] = []
        self._stopped = False

    def __enter__(self) -> Compiler:
        return self

    def __exit__(self, *error: object) -> None:
        """Whoever leaves has what was begun, or does not want it any more."""
        self.stop()

    def begin(
        self, lowered: jax.stages.Lowered, runs_seldom: bool = False
    ) -> Future[tuple[jax.stages.Compiled, float]]:
        """Compile when there is a thread for it: the compiled program, and the seconds that it took.

        For a GPU no kernels are timed for a program that runs seldom.
        """
        if runs_seldom and self._platform == "gpu":
            compile_now = partial(lowered.compile, compiler_options=jax_settings.UNTIMED_GPU_OPTIONS)
            job = self._side_by_side.submit(_timed, compile_now)
        else:
            job = self._in_turns.submit(self._compiled, lowered.compile)
        self._jobs.append(job)
        return job

    def wait(self) -> None:
        """Wait until all that was begun, and not stopped, has ended, however it did."""
        wait([job for job in self._jobs if not job.cancelled()])

    def stop(self) -> None:
        """Compile nothing more than what is being compiled: a process that ends waits for no more than that."""
        self._stopped = True
        for threads in (self._in_turns, self._side_by_side):
            threads.shutdown(wait=False, cancel_futures=True)

    def _compiled(self, compile_now: Callable[[], jax.stages.Compiled]) -> tuple[jax.stages.Compiled, float]:
        cache = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        if self._platform != "gpu" or not cache:
            return _timed(compile_now)
        with kernel_choices.alone(Path(cache), lambda: self._stopped, self._held_off):
            if self._stopped:
                raise CancelledError
            return _timed(compile_now)

    def _held_off(self) -> None:
        if self._say:
            self._say("waiting until another process has compiled its programs for a GPU")
            self._say = None  # once is enough


class Program:
    """A function compiled ahead of time for arguments of given shapes; called like the function.

    An argument of another type is an error then, never a second compilation.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        compiler: Compiler,
        runs_seldom: bool = False,
        **settings: Any,
    ):
        """Traces at once and begins to compile.

        Args:
          function: of arrays.
          arguments: arrays, or their shapes and places.
          compiler: compiles it.
          runs_seldom: compiling fast matters more than running fast.
          **settings: of `jax.jit`.
        """
        self._job = compiler.begin(jax.jit(function, **settings).lower(*arguments), runs_seldom)

    @property
    def compiled(self) -> jax.stages.Compiled:
        """The compiled program; waits until it is ready. Raises the compiler's exception."""
        return self._job.result()[0]

    @property
    def compile_seconds(self) -> float:
        """Seconds that compiling took, beside whatever ran at the same time."""
        return self._job.result()[1]

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)


def _timed(compile_now: Callable[[], jax.stages.Compiled]) -> tuple[jax.stages.Compiled, float]:
    started = time.perf_counter()
    return compile_now(), time.perf_counter() - started
