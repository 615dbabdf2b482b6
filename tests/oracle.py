"""rliable, as the tests' oracle and as a reader of exported scores."""

from __future__ import annotations

from types import ModuleType

import pytest

from momentum_jax.analysis.export.rliable_import import import_rliable


def rliable() -> tuple[ModuleType, ModuleType]:
    """Its modules ``library`` and ``metrics``; skips the test where it is not installed."""
    try:
        return import_rliable()
    except ImportError as error:
        pytest.skip(str(error))
