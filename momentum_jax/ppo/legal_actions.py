"""Which actions the policy may choose: those that the task calls legal, or all where a run trains without a mask."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from momentum_jax.diagnostics import events
from momentum_jax.env.task import Task
from momentum_jax.ppo.traced_config import PPOConfig


def legal_actions(task: Task, config: PPOConfig, state: Any, env_params: Any) -> jax.Array:
    """Of one state, [A] bool."""
    return as_masked(config, task.action_mask(state, env_params))


def checked_event(task: Task, event: jax.Array, mask: jax.Array) -> jax.Array:
    """A step's event word [], marked if none of the actions of its mask [A] was legal.

    One was chosen all the same: inside a compiled program nothing can be refused.
    """
    if getattr(task, "always_legal", False):
        return event
    return events.marked(event, jnp.logical_not(mask.any()))


def as_masked(config: PPOConfig, action_mask: jax.Array) -> jax.Array:
    """A task's mask [..., A] bool; all True without the configuration's `action_mask`."""
    if config.action_mask is None or config.action_mask is True:  # no run of the program trains without
        return action_mask
    return action_mask | jnp.logical_not(config.action_mask)
