"""How much memory a run takes on its device, estimated before anything is compiled, and how many runs fit."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax

from momentum_jax.env.task import Task
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import learner
from momentum_jax.ppo.traced_config import PPOConfig

WIDEST = 4096  # beyond, a group gains nothing: an H100's roof is reached
_USABLE = 0.8  # of what a device has left for arrays; the rest is for the market and for what the estimate misses
_FLOAT = 4  # bytes


class RunMemory(NamedTuple):
    """Bytes of one run."""

    state: int  # for as long as it trains
    temporary: int  # while its group is advanced
    record: int  # of an update, until it is on the host


def of_run(task: Task, config: PPOConfig) -> RunMemory:
    """Estimate from shapes: weights and what the optimiser keeps of them; gradients, a rollout and its activations.

    Programs that XLA compiles for an H100 need 70 to 101 % of these temporaries.

    Raises:
      ConfigError: there is no such network or optimiser, or it does not fit the task.
    """
    agent = agents.make(task, config)
    params, deviations, opt_state = jax.eval_shape(partial(learner.init_learned, agent, config), jax.random.key(0))
    # A GPU runs kernels beside each other, and what they work on is not stored over each other. Of each step: features,
    # and their copy in minibatches; hidden layers of both towers; noise, logits and a dozen numbers. What a network
    # remembers is stored before each step, and kept gate by gate through a minibatch, with its gradients.
    step = 2 * len(agent.input_counts) + 2 * sum(config.hidden_sizes) + 3 * task.num_actions + 12
    carried = carry_bytes(task, config)
    return RunMemory(
        state=_bytes((params, deviations, opt_state)) + config.num_envs * carried,
        temporary=2 * _bytes(params) + config.rollout_size * (_FLOAT * step + 10 * carried),
        record=record_bytes(task) * config.rollout_size,
    )


def carry_bytes(task: Task, config: PPOConfig) -> int:
    """Size of what a network remembers of one environment: nothing for most."""
    network = agents.network_of(config, task.num_actions)
    return _bytes(jax.eval_shape(lambda: network.init_carry(1)))


def record_bytes(task: Task) -> int:
    """Size of a transition of `records.UpdateRecord`: event word, reward and what the task adds."""
    return _FLOAT * (3 if task.diagnostics.has_outcomes else 2)


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def widest_group(memory: RunMemory, num_runs: int, free_bytes: int) -> int:
    """Runs that a device with `free_bytes` advances together, of the `num_runs` that it holds: at least one.

    More than fit go in groups of equal size.
    """
    room = _room(memory, num_runs, free_bytes)
    widest = max(1, min(WIDEST, num_runs, int(room // memory.temporary)))
    return -(-num_runs // -(-num_runs // widest))


def groups_in_flight(memory: RunMemory, num_runs: int, width: int, free_bytes: int) -> int:
    """Groups of `width` of a device's `num_runs` runs whose records it can hold while another is computed.

    A device computes one group at a time, so the temporaries are those of one. At least one record is in flight: that
    of the group that is computed while the one before it reaches the host, for which there has to be room too.
    """
    room = _room(memory, num_runs, free_bytes) - width * memory.temporary
    return max(1, int(room // (width * memory.record)) - 1)


def _room(memory: RunMemory, num_runs: int, free_bytes: int) -> float:
    """Bytes left for the groups that are computed."""
    return _USABLE * free_bytes - num_runs * memory.state


def device_bytes(device: Any) -> int | None:
    """What a device has for arrays, where it says so (CPUs do not)."""
    return (device.memory_stats() or {}).get("bytes_limit")
