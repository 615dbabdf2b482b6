"""How much memory a run takes on its device, estimated before anything is compiled, and how many runs fit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from momentum_jax.env.task import Task
from momentum_jax.ppo.hyper_parameters import PPOConfig

WIDEST = 4096  # beyond, a group gains nothing: an H100's roof is reached
_USABLE = 0.8  # of what a device has left for arrays; the rest is for the market and for what the estimate misses
_FLOAT = 4  # bytes


class RunMemory(NamedTuple):
    """Bytes of one run."""

    state: int  # for as long as it trains
    temporary: int  # while its group is advanced


def of_run(task: Task, config: PPOConfig) -> RunMemory:
    """Estimate from shapes: weights with two moments; gradients, a rollout's features and what is stored of it."""
    features, inputs = len(task.input_counts), task.num_inputs
    first, hidden = config.hidden_sizes[0], sum(a * b for a, b in pairwise(config.hidden_sizes))
    heads = config.hidden_sizes[-1] * (task.num_actions + 1)
    weights = 2 * features * first + 2 * hidden + heads
    left_out = 2 * (inputs - features) * first  # of the first layer, see `Task.reduce_kernel`
    # The features of all steps are looked up for acting; hidden layers of both towers are computed on them to value
    # them; noise, logits and a dozen numbers are kept of each step.
    step = features + 2 * 2 * sum(config.hidden_sizes) + 3 * task.num_actions + 12
    return RunMemory(
        state=_FLOAT * (3 * weights + left_out),
        temporary=_FLOAT * (weights + config.rollout_size * step),
    )


def widest_group(memory: RunMemory, num_runs: int, free_bytes: int) -> int:
    """Runs that a device with `free_bytes` advances together, of the `num_runs` that it holds: at least one.

    More than fit go in groups of equal size.
    """
    room = _USABLE * free_bytes - num_runs * memory.state
    widest = max(1, min(WIDEST, num_runs, int(room // memory.temporary)))
    return -(-num_runs // -(-num_runs // widest))


def device_bytes(device: Any) -> int | None:
    """What a device has for arrays, where it says so (CPUs do not)."""
    return (device.memory_stats() or {}).get("bytes_limit")
