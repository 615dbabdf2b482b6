"""The states of runs before their first step: made by CPU devices side by side, put once where the runs train.

A run's kernels are orthogonal, so each run takes several QR factorisations: 2 ms on a CPU, 15 ms on an accelerator.
Each device makes its runs one after the other, since XLA:CPU hangs with several *batched* factorisations in flight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from momentum_jax.env.task import Task
from momentum_jax.ppo import learner
from momentum_jax.ppo.streams import from_numbers
from momentum_jax.training import device_arrays
from momentum_jax.training.runs import Run, filled_up, stacked_settings, stacked_streams

_BLOCK = 128  # runs on their way to each accelerator at a time: 87 MB with the reference's network


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

    def states(self, group: Sequence[Run]) -> learner.LearnerState:
        """The states of a group of runs, leaves [runs, ...], not waited for."""
        if self._by_run == self._placement:
            return self._made(group)
        states: Any = None
        width = len(group) // self._placement.num_devices
        for start, rows in _blocks(width, self._placement.num_devices):
            made = self._made([group[row] for row in rows])
            block = jax.device_put(_on_host(made, len(rows)), self._placement)
            states = _begun(self._placement, width, block) if states is None else states
            states = _inserted(self._placement, states, block, start)
        return states

    def _made(self, runs: Sequence[Run]) -> learner.LearnerState:
        """States on the devices that make them; where the runs do not divide evenly, copies stand behind them."""
        num_devices = self._by_run.num_devices
        runs = filled_up(runs, -(-len(runs) // num_devices) * num_devices)
        inputs = *stacked_settings(runs), stacked_streams(runs, self._fixed_streams)
        return _init_runs(self._task, self._by_run, self._shared, jax.device_put(inputs, self._by_run))


def initialising_devices(layout_devices: Sequence[Any]) -> tuple[Any, ...]:
    """The devices themselves if they are CPUs, else this process's CPUs; an accelerator if JAX has no CPUs."""
    if layout_devices[0].platform == "cpu":
        return tuple(layout_devices)
    try:
        return tuple(jax.local_devices(backend="cpu"))
    except RuntimeError:  # JAX_PLATFORMS names accelerators alone
        return tuple(layout_devices[:1])


def _blocks(width: int, num_devices: int) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of one size of the `width` runs of every device: their first row on each, and all their rows.

    The last block ends with the last row, so it may make some runs of the one before again.
    """
    size = min(_BLOCK, width)
    for start in [*range(0, width - size, size), width - size]:
        yield start, (np.arange(num_devices)[:, None] * width + start + np.arange(size)).ravel()


def _on_host(states: Any, count: int) -> Any:
    """The first `count` states."""
    return jax.tree.map(lambda leaf: device_arrays.on_host(leaf)[:count], states)


@partial(jax.jit, static_argnums=(0, 1))
def _init_runs(task: Task, by_run: NamedSharding, shared: Any, runs: Any) -> learner.LearnerState:
    """States [runs, ...], each device's runs one after the other."""

    def on_device(shared: Any, own_runs: Any) -> learner.LearnerState:
        return jax.lax.map(partial(_init_run, task, shared), own_runs)

    return _on_each_device(by_run, on_device, P(), by_run.spec)(shared, runs)


def _init_run(task: Task, shared: Any, run: tuple[Any, Any, jax.Array]) -> learner.LearnerState:
    config, options, numbers = run
    return learner.init(task, config, task.bind(shared, options), from_numbers(numbers))


@partial(jax.jit, static_argnums=(0, 1))
def _begun(placement: NamedSharding, width: int, block: Any) -> Any:
    """Arrays with room for `width` runs on each device, filled with those of a block."""

    def on_device(own_block: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[jnp.arange(width) % len(leaf)], own_block)

    return _on_each_device(placement, on_device, placement.spec)(block)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def _inserted(placement: NamedSharding, states: Any, block: Any, start: Any) -> Any:
    """The states with a block put in on each device, from row `start` on, in place."""

    def on_device(own_states: Any, own_block: Any, start: jax.Array) -> Any:
        return jax.tree.map(
            lambda whole, part: jax.lax.dynamic_update_slice_in_dim(whole, part, start, 0), own_states, own_block
        )

    return _on_each_device(placement, on_device, placement.spec, placement.spec, P())(states, block, start)


def _on_each_device(sharding: NamedSharding, function: Any, *in_specs: P) -> Any:
    return jax.shard_map(function, mesh=sharding.mesh, in_specs=in_specs, out_specs=sharding.spec, check_vma=False)
