"""A run's saved policies as the learner's network acts with them: parameters on features, of all seeds of an arm."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.config.arms import Arm
from momentum_jax.env.task import Task
from momentum_jax.networks.first_layer import map_feature_kernels
from momentum_jax.networks.network import Params
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo.scaling import Scaling
from momentum_jax.run_directory import RunDirectoryError, load_policies, read_config
from momentum_jax.training import own_code


class SavedPolicies(NamedTuple):
    """Policies of one arm, leaves [seed, ...]."""

    params: Params
    scaling: Scaling | None  # of features, where the arm normalises observations


def load(run_dir: Path, arm: Arm, task: Task, num_seeds: int) -> SavedPolicies:
    """The final policies of an arm's seeds.

    Raises:
      RunDirectoryError: the file is missing, damaged, or of other shapes than the run's.
    """
    arrays: dict[str, Any] = dict(load_policies(run_dir, arm.name))
    wrong = [name for name, array in arrays.items() if array.shape[:1] != (num_seeds,)]
    if wrong or not arrays:
        raise RunDirectoryError(
            f"{run_dir}: the policies of arm {arm.name!r} are not of the run's {num_seeds} seeds: copy the run again"
        )
    network = agents.network_of(arm.ppo, task.num_actions)
    own_code.warn_if_changed(run_dir, read_config(run_dir), arm.name, arm.ppo.network)
    scaling = None
    if arm.ppo.normalize_observations:
        whole = Scaling.from_arrays(arrays)
        mean, deviation = (np.stack([_features(task, row) for row in np.asarray(leaf)]) for leaf in whole)
        scaling = Scaling(jnp.asarray(mean), jnp.asarray(deviation))
    arrays.pop("reward_deviation", None)

    def of_seed(seed: int) -> Params:
        # A network puts one policy's arrays together: not every one's would keep an axis of seeds in front.
        params = network.from_arrays({name: array[seed] for name, array in arrays.items()})
        return map_feature_kernels(partial(_rows, task), params) if network.reads_features else params

    params = jax.tree.map(lambda *leaves: np.stack(leaves), *map(of_seed, range(num_seeds)))
    return SavedPolicies(params, scaling)


def finite(policies: SavedPolicies, num_seeds: int) -> np.ndarray:
    """Which seeds' parameters are finite, [seed] bool: the others diverged."""
    known = np.ones(num_seeds, bool)
    for leaf in jax.tree.leaves(policies):
        known &= np.isfinite(leaf).reshape(num_seeds, -1).all(axis=1)
    return known


def _rows(task: Task, kernel: Any) -> np.ndarray:
    """A whole kernel's rows on features: what held columns leave out of their mean never acts."""
    return np.asarray(task.reduce_kernel(jnp.asarray(kernel))[0])


def _features(task: Task, whole: np.ndarray) -> np.ndarray:
    """Statistics [F] of features, from those [D] of the inputs that each stands for."""
    return _rows(task, whole[:, None])[:, 0]
