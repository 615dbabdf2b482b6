"""Programs compiled with little optimisation: a test's small run takes seconds to compile and moments to carry out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import pytest

# Without LLVM's passes, and without a pipeline for every fusion: an update compiles in a quarter of the time.
OPTIONS: dict[str, Any] = {"xla_backend_optimization_level": 0}
if jax.__version_info__ < (0, 11):  # the option is gone since
    OPTIONS["xla_cpu_use_fusion_emitters"] = False
_COMPILE = jax.stages.Lowered.compile


@contextlib.contextmanager
def compiled_quickly() -> Iterator[None]:
    """Let every engine that is made in this context compile with `OPTIONS`.

    Programs compiled so differ in their last digits: not for tests that compare two programs bit by bit.
    """

    def quickly(lowered: Any, compiler_options: Any = None, **others: Any) -> Any:
        return _COMPILE(lowered, OPTIONS | (compiler_options or {}), **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.stages.Lowered, "compile", quickly)
        yield
