"""The golden updates' observations as a task, as they stand and as features that stand for several inputs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.env import observation_layout


class FlatTask:
    """The record's observations [460] as they stand."""

    num_actions, num_inputs, truncates = 6, 460, False
    input_counts = np.ones(460, np.float32)

    def expand(self, compact: jax.Array, params: Any) -> jax.Array:
        return compact

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, Any]:
        return kernel, ()

    def restore_kernel(self, rows: np.ndarray, deviations: Any) -> np.ndarray:
        return rows


class SharedTask(FlatTask):
    """The same observations as features [327]: rows that always receive the same gradient are kept once."""

    input_counts = observation_layout.INPUT_COUNTS
    reduce_kernel = staticmethod(observation_layout.reduce_kernel)
    restore_kernel = staticmethod(observation_layout.restore_kernel)


TASKS = {"flat": FlatTask(), "shared": SharedTask()}


def compact(task_name: str, observations: np.ndarray) -> jax.Array:
    """What a rollout stores of observations [B, 20, 23]."""
    if task_name == "flat":
        return jnp.asarray(observations.reshape(-1, 460))
    market = jnp.asarray(observation_layout.market_features(observations[:, :, :19]))
    return jnp.concatenate([market, observation_layout.position_features(jnp.asarray(observations[:, 0, 19:]))], axis=1)
