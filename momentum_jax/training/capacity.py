"""Does a run fit? Memory and disk estimated from its settings, before anything is loaded, compiled or written.

Estimates are low: they count what a run must hold all the time, not temporary peaks. A run that is refused cannot work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics.variables import shapes, table
from momentum_jax.env.task import Task
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.processes import machine
from momentum_jax.training import memory
from momentum_jax.training.group_width import Layout
from momentum_jax.training.run_description import describe_run

_FLOAT = 4  # bytes
_STEP_BYTES = 14  # of `rollout.Trajectory`: action, reward, both ways to end, event word
_IN_FLIGHT = 2  # updates whose records are held at once
_STATES_ON_DISK = 3  # two are kept while a third is written
_COMPRESSED = 0.1  # of a checkpoint's size, at the least
_REMEDY = "lower num_seeds, hidden_sizes, num_steps or num_envs, or take a larger machine"


def check_memory(config: RunConfig, task: Task, layouts: Sequence[Layout], num_seeds: int) -> None:
    """Refuse a run that the devices' memory cannot hold.

    Args:
      config: the run.
      task: its environment.
      layouts: of its programs, see `fleet.program_layouts`.
      num_seeds: seeds of each arm that this process trains.

    Raises:
      ConfigError: with the memory that is needed and that is free.
    """
    free = _free_memory(max((layout.devices for layout in layouts), key=len))
    needed = memory_bytes(config, task, layouts, num_seeds)
    if free is not None and needed > free:
        raise ConfigError(
            f"{num_seeds:,} seed(s) of {len(config.arms)} arm(s) need at least {_size(needed)} of memory, and "
            f"{_size(free)} are free: {_REMEDY}"
        )


def check_disk(config: RunConfig, task: Task, run_dir: Path) -> None:
    """Refuse a new run whose files the disk cannot hold.

    Raises:
      ConfigError: with the room that is needed and that is free.
    """
    try:
        free = machine.free_disk(run_dir)
    except OSError:
        return  # making the run directory will say what is wrong
    needed = disk_bytes(config, task)
    if needed > free:
        raise ConfigError(
            f"{run_dir}: the run's states, checkpoints and policies need at least {_size(needed)} of disk, and "
            f"{_size(free)} are free: {_REMEDY}, or choose another --run_dir"
        )


def memory_bytes(config: RunConfig, task: Task, layouts: Sequence[Layout], num_seeds: int) -> int:
    """What the run must hold at once: every run's state and records, and what each device works on."""
    held, working = 0, [0]
    for arms, layout in zip(config.programs, layouts, strict=True):
        ppo = config.arms[arms[0]].ppo
        groups = -(-len(arms) * num_seeds // layout.group_size)  # the last is filled up with copies
        records = _IN_FLIGHT * memory.record_bytes(task) * ppo.rollout_size + _checkpoint_bytes(config, task)
        held += groups * layout.group_size * (_state_bytes(task, ppo) + records)
        working.append(len(layout.devices) * _working_bytes(task, ppo))
    return held + max(working)


def disk_bytes(config: RunConfig, task: Task) -> int:
    """What the run directory holds when the run ends, report apart."""
    states = sum(_STATES_ON_DISK * _state_bytes(task, arm.ppo) for arm in config.arms)
    policies = states / _STATES_ON_DISK / 3  # the weights alone
    checkpoints = len(config.planned_checkpoints) * len(config.arms) * _COMPRESSED * _checkpoint_bytes(config, task)
    return math.ceil(config.num_seeds * (states + policies + checkpoints))


def transition_bytes(task: Task) -> int:
    """Size of a transition of `rollout.Trajectory`."""
    observations = task.compact_bytes * (2 if task.truncates else 1)
    return observations + task.num_actions + _STEP_BYTES + _outcome_bytes(task)


def _outcome_bytes(task: Task) -> int:
    return _FLOAT if task.diagnostics.has_outcomes else 0


def _working_bytes(task: Task, config: PPOConfig) -> int:
    """A rollout, the orders in which it is learned from, a gradient and a minibatch's activations."""
    carried = memory.carry_bytes(task, config)
    rollout = config.rollout_size * (transition_bytes(task) + carried + _FLOAT * config.num_epochs)
    activations = _FLOAT * config.minibatch_size * (len(task.input_counts) + 2 * sum(config.hidden_sizes))
    return rollout + _state_bytes(task, config) // 3 + activations


def _state_bytes(task: Task, config: PPOConfig) -> int:
    """What a run carries from one update to the next: weights and two moments of each."""
    return memory.of_run(task, config).state


def _checkpoint_bytes(config: RunConfig, task: Task) -> int:
    """Size of one run's part of a checkpoint, uncompressed."""
    diagnostics = describe_run(config, task)
    sizes = shapes(diagnostics)
    return sum(np.dtype(row.dtype).itemsize * math.prod(sizes[name]) for name, row in table(diagnostics).items())


def _free_memory(devices: Sequence[Any]) -> int | None:
    """Bytes that can still be allocated: of the host for CPU devices, else of the devices; None if nobody knows."""
    if devices[0].platform == "cpu":
        return machine.available_memory()
    statistics = [device.memory_stats() for device in devices]
    if not all(found and "bytes_limit" in found for found in statistics):
        return None
    return sum(found["bytes_limit"] - found.get("bytes_in_use", 0) for found in statistics)


def _size(num_bytes: float) -> str:
    return f"{num_bytes / 1e9:,.1f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:,.1f} MB"
