"""Settings that fall linearly to zero over a run where it asks for that."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from momentum_jax.fields import is_off
from momentum_jax.ppo.traced_config import PPOConfig


def learning_rate(config: PPOConfig, fraction_done: jax.Array) -> Any:
    """The learning rate [] of an update, with `fraction_done` of the run behind it."""
    return _annealed(config.anneal_learning_rate, config.learning_rate, fraction_done)


def clip_range(config: PPOConfig, fraction_done: jax.Array) -> Any:
    """The clipping of the probability ratio [] in an update, with `fraction_done` of the run behind it."""
    return _annealed(config.anneal_clip_range, config.clip_range, fraction_done)


def _annealed(switch: Any, value: Any, fraction_done: jax.Array) -> Any:
    return value if is_off(switch) else value * jnp.where(switch, 1.0 - fraction_done, 1.0)
