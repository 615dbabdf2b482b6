"""What a run records: its environment's own description, and what its settings ask for beside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import jax

from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics import probes
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.description_check import check
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.task import Task
from momentum_jax.fields import ConfigError


def describe_run(config: RunConfig, task: Task) -> Diagnostics:
    """The description that config.json carries and that everything is recorded by."""
    return config.described(task.diagnostics, episode_limit(task))


def check_recorded(config: RunConfig, task: Task) -> None:
    """Raises ConfigError where the settings add a name that the environment has too, or a claim cannot be judged."""
    if config.eval_episodes and config.environment == MOMENTUM_NAME:
        raise ConfigError(
            f"eval_episodes={config.eval_episodes}: the momentum environment has no data for evaluation apart from "
            "those that it is trained on: leave it out"
        )
    recorded = describe_run(config, task)
    check(recorded)
    config.check_claims(recorded)


def episode_limit(task: Task) -> int | None:
    """Steps after which the task itself ends an episode; None where it does not say."""
    return getattr(task, "episode_limit", None)


def check_recorded_probes(config: RunConfig, task: Task, shared: Any) -> None:
    """Refuse to record more probe states than there are.

    Raises:
      ConfigError: with their number.
    """
    if not config.record_probes:
        return
    states = jax.eval_shape(lambda: probes.named_sets(task.probe_states(shared))[PRIMARY].compact)
    count = math.prod(jax.tree.leaves(states)[0].shape[:2])
    if config.record_probes > count:
        raise ConfigError(
            f"record_probes={config.record_probes} is more than the {count:,} probe states that there are: "
            f"ask for at most {count}"
        )


def remarks(config: RunConfig, task: Task) -> Iterator[str]:
    """What the log says of the evaluation before anything is compiled: how much it plays, and whose limit counts."""
    evaluation = describe_run(config, task).evaluation
    if evaluation is None:
        return
    limits = {"eval_max_steps": config.eval_max_steps, "the environment's own limit": episode_limit(task)}
    whose = next((name for name, limit in limits.items() if limit), "the default, see --eval_max_steps")
    yield (
        f"evaluation: {evaluation.episodes} episodes sampled and as many greedy at each of "
        f"{len(config.planned_checkpoints)} checkpoints, of at most {evaluation.max_steps:,} steps ({whose})"
    )
    if evaluation.episodes == 1:
        yield "evaluation: one episode has no standard error: ask for two or more to know the noise"
