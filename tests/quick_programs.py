"""Programs compiled with little optimisation: a test's small run takes seconds to compile and moments to carry out.

Programs compiled so differ in their last digits from those that a user has: not for tests that compare two programs
bit by bit. A run that goes on is the same program.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import jax
import pytest

from momentum_jax.training import initialisation

# Without LLVM's passes, and without a pipeline for every fusion: an update compiles in a quarter of the time.
OPTIONS: dict[str, Any] = {"xla_backend_optimization_level": 0}
if jax.__version_info__ < (0, 11):  # the option is gone since
    OPTIONS["xla_cpu_use_fusion_emitters"] = False
_COMPILE = jax.stages.Lowered.compile
_INIT_RUNS = jax.jit(initialisation._init_runs.__wrapped__, static_argnums=(0, 1), compiler_options=OPTIONS)


@contextlib.contextmanager
def compiled_quickly() -> Iterator[None]:
    """Let every engine that is made in this context compile with `OPTIONS`; also a decorator of tests."""

    def quickly(lowered: Any, compiler_options: Any = None, **others: Any) -> Any:
        return _COMPILE(lowered, OPTIONS | (compiler_options or {}), **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.stages.Lowered, "compile", quickly)
        patch.setattr(initialisation, "_init_runs", _INIT_RUNS)
        yield


@contextlib.contextmanager
def processes_compile_quickly() -> Iterator[None]:
    """`compiled_quickly`, and let processes that are started in this context do so too."""
    flags = [f"--{name}={str(value).lower()}" for name, value in OPTIONS.items()]
    with compiled_quickly(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", " ".join([os.environ.get("XLA_FLAGS", ""), *flags]).strip())
        yield
