"""`PPOConfig` as a pytree. Whatever computes with it takes it from here, so that no order of imports matters.

The class itself stays a plain dataclass, so that flags can be read without starting JAX.
"""

from __future__ import annotations

import dataclasses

import jax

from momentum_jax.fields import is_static
from momentum_jax.ppo.hyper_parameters import PPOConfig

__all__ = ["PPOConfig"]

_FIELDS = dataclasses.fields(PPOConfig)
# Static fields are part of a program's identity; the others are leaves.
jax.tree_util.register_dataclass(
    PPOConfig,
    data_fields=[field.name for field in _FIELDS if not is_static(field)],
    meta_fields=[field.name for field in _FIELDS if is_static(field)],
)
