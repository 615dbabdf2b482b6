"""The states of runs before their first step: made by CPU devices side by side, put once where the runs train.

A run's kernels are orthogonal, so each run takes several QR factorisations: 2 ms on a CPU, 15 ms on an accelerator.
Each device makes its runs one after the other, since XLA:CPU hangs with several *batched* factorisations in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from momentum_jax.env.task import Task
from momentum_jax.ppo import learner
from momentum_jax.ppo.streams import from_numbers
from momentum_jax.training import device_arrays
from momentum_jax.training.runs import Run, filled_up, stacked_settings, stacked_streams

_BLOCK = 128  # runs made at a time where they train elsewhere: 87 MB with the reference's network


class Initialiser:
    """Makes the states of groups of runs, all groups of one size, by one compiled program."""

    def __init__(
        self,
        task: Task,
        shared: Any,
        devices: Sequence[Any],
        placement: NamedSharding,
        fixed_streams: Sequence[str] = (),
    ):
        """
        Args:
          task: the environment.
          shared: its part that all runs have in common.
          devices: which make the states, see `initialising_devices`.
          placement: where the states train, with the runs along their first axis.
          fixed_streams: names of the random streams that are the same for all seeds.
        """
        self._task = task
        self._placement = placement
        self._fixed_streams = fixed_streams
        mesh = Mesh(np.asarray(devices), placement.mesh.axis_names)
        self._by_run = NamedSharding(mesh, placement.spec)
        self._shared = jax.device_put(shared, NamedSharding(mesh, P()))

    def shapes(self, group: Sequence[Run]) -> learner.LearnerState:
        """Shapes, types and places of a group's states, none of which is made."""
        block = _init_runs.eval_shape(self._task, self._by_run, self._shared, self._inputs(group[:_BLOCK]))
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(
                (len(group), *leaf.shape[1:]), leaf.dtype, sharding=self._placement, weak_type=leaf.weak_type
            ),
            block,
        )

    def made(self, group: Sequence[Run]) -> Callable[[], learner.LearnerState]:
        """Make a group's states; returns what puts them where they train, leaves [runs, ...], not waited for.

        Until then those of an accelerator are on the host.
        """
        if self._by_run == self._placement:
            states = self._on_devices(group)
            return lambda: states
        held: list[np.ndarray] = []
        for start in range(0, len(group), _BLOCK):
            rows = group[start : start + _BLOCK]
            block = self._on_devices(filled_up(rows, min(_BLOCK, len(group))))
            numbers = [np.asarray(device_arrays.plain(leaf)) for leaf in jax.tree.leaves(block)]
            held = held or [np.empty((len(group), *array.shape[1:]), array.dtype) for array in numbers]
            for whole, array in zip(held, numbers, strict=True):
                whole[start : start + len(rows)] = array[: len(rows)]
        return partial(self._placed, block, held)

    def _placed(self, like: Any, held: Sequence[np.ndarray]) -> learner.LearnerState:
        """Numbers of the host where they train, as states `like` these."""
        leaves, structure = jax.tree.flatten(like)
        states = jax.tree.unflatten(structure, map(device_arrays.wrapped, leaves, held))
        return jax.device_put(states, self._placement)

    def _on_devices(self, runs: Sequence[Run]) -> learner.LearnerState:
        return _init_runs(self._task, self._by_run, self._shared, self._inputs(runs))

    def _inputs(self, runs: Sequence[Run]) -> Any:
        """Settings and streams on the devices that make states; where the runs do not divide evenly, copies behind."""
        num_devices = self._by_run.num_devices
        runs = filled_up(runs, -(-len(runs) // num_devices) * num_devices)
        return jax.device_put((*stacked_settings(runs), stacked_streams(runs, self._fixed_streams)), self._by_run)


def initialising_devices(layout_devices: Sequence[Any]) -> tuple[Any, ...]:
    """The devices themselves if they are CPUs, else this process's CPUs; an accelerator if JAX has no CPUs."""
    if layout_devices[0].platform == "cpu":
        return tuple(layout_devices)
    try:
        return tuple(jax.local_devices(backend="cpu"))
    except RuntimeError:  # JAX_PLATFORMS names accelerators alone
        return tuple(layout_devices[:1])


@partial(jax.jit, static_argnums=(0, 1))
def _init_runs(task: Task, by_run: NamedSharding, shared: Any, runs: Any) -> learner.LearnerState:
    """States [runs, ...], each device's runs one after the other."""

    def on_device(shared: Any, own_runs: Any) -> learner.LearnerState:
        return jax.lax.map(partial(_init_run, task, shared), own_runs)

    return _on_each_device(by_run, on_device, P(), by_run.spec)(shared, runs)


def _init_run(task: Task, shared: Any, run: tuple[Any, Any, jax.Array]) -> learner.LearnerState:
    config, options, numbers = run
    return learner.init(task, config, task.bind(shared, options), from_numbers(numbers))


def _on_each_device(sharding: NamedSharding, function: Any, *in_specs: P) -> Any:
    return jax.shard_map(function, mesh=sharding.mesh, in_specs=in_specs, out_specs=sharding.spec, check_vma=False)
