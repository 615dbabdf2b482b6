"""Multi-seed PPO in JAX, and what its early dips are worth.

Names are loaded on first use, so that importing this is light. Gymnasium finds the environment once this is imported:
since its release 1.0 it asks no installed package by itself.
"""

from __future__ import annotations

import importlib
from typing import Any

from momentum_jax.env import registration
from momentum_jax.version import __version__

_LAZY = {
    "load_run": "momentum_jax.run_directory",
    "load_policies": "momentum_jax.run_directory",
    "load_policy": "momentum_jax.policy",
}
__all__ = ["__version__", "load_policies", "load_policy", "load_run"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


registration.register()
