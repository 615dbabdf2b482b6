"""A run is one seed of one arm; a group of runs becomes arrays with one row for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np

from momentum_jax.fields import without_unused
from momentum_jax.ppo.streams import stream_numbers
from momentum_jax.ppo.traced_config import PPOConfig


@dataclasses.dataclass(frozen=True)
class Run:
    """One seed of one arm. `options` is the task's own (a pytree of numbers)."""

    seed: int
    config: PPOConfig
    options: Any
    redrawn_streams: tuple[str, ...] = ()  # see `seed_streams`


def without_unused_options(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs of one program without what all of them leave off, see `fields.without_unused`."""
    configs, options = without_unused([run.config for run in runs]), without_unused([run.options for run in runs])
    used = zip(runs, configs, options, strict=True)
    return tuple(dataclasses.replace(run, config=config, options=own) for run, config, own in used)


_Each = TypeVar("_Each")  # a run, or its position


def in_groups(runs: Sequence[_Each], size: int) -> list[Sequence[_Each]]:
    """Consecutive groups of `size` runs; the last may have fewer."""
    return [runs[start : start + size] for start in range(0, len(runs), size)]


def filled_up(group: Sequence[_Each], size: int) -> list[_Each]:
    """A group with copies of its first run behind it."""
    return [*group, *[group[0]] * (size - len(group))]


def stacked_settings(runs: Sequence[Run]) -> tuple[PPOConfig, Any]:
    """Configurations and options with leaves [runs], strongly typed."""

    def stack(*leaves: Any) -> np.ndarray:
        array = np.stack([np.asarray(leaf) for leaf in leaves])
        return array if array.dtype == np.bool_ else array.astype(np.float32)

    configs = jax.tree.map(stack, *[run.config for run in runs])
    return configs, jax.tree.map(stack, *[run.options for run in runs])


def stacked_streams(runs: Sequence[Run], fixed_streams: Sequence[str] = ()) -> np.ndarray:
    """What the runs' random streams are drawn from, [runs, streams] uint32; see `streams.stream_numbers`."""
    return np.stack([stream_numbers(run.seed, fixed_streams, run.redrawn_streams) for run in runs])
