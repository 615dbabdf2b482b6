"""What a run records: its environment's own description, and what its settings ask for beside."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import jax

from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics import probes
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.description_check import check
from momentum_jax.diagnostics.variables import PRIMARY, WARMED
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.registry import LabelledMarket, Loaded
from momentum_jax.env.task import Task
from momentum_jax.fields import ConfigError
from momentum_jax.ppo import agent as agents


def describe_run(config: RunConfig, task: Task, sessions: LabelledMarket | None = None) -> Diagnostics:
    """The description that config.json carries and that everything is recorded by.

    Args:
      config, task: of the run.
      sessions: that policies trade at checkpoints; None where they trade none, or before the data are loaded.
    """
    labels = () if sessions is None else sessions.labels
    recorded = config.described(task.diagnostics, default_steps(task), labels)
    remembers = hasattr(task, "probe_history") and any(agents.make(task, arm.ppo).remembers for arm in config.arms)
    return dataclasses.replace(recorded, warmed_probes=probes.WARMING_STEPS if remembers else 0)


def probe_sets(config: RunConfig, task: Task, shared: Any) -> dict[str, probes.ProbeStates]:
    """The states on which policies are asked, by name: the task's, and some of the primary ones with their past."""
    sets = probes.named_sets(task.probe_states(shared))
    steps = describe_run(config, task).warmed_probes
    if not steps:
        return sets
    some = sets[PRIMARY].every(max(1, probes.HALF_SIZE // probes.WARMED_SIZE))
    history: probes.History = getattr(task, "probe_history")(shared, some, steps)  # noqa: B009 (not every task has it)
    return sets | {WARMED: some._replace(history=history)}


def check_recorded(config: RunConfig, task: Task) -> None:
    """Raises ConfigError where the settings add a name that the environment has too, or a claim cannot be judged."""
    market = config.market
    has_validation = market.data_part == "train" and market.validation_end is not None
    for name in ("eval_episodes", "evaluate_every"):
        asked = getattr(config, name)
        if asked and config.environment == MOMENTUM_NAME and not has_validation:
            raise ConfigError(
                f"{name}={asked} plays on the validation part of the data, which this run does not "
                f"have (data_part={market.data_part}, validation_end={market.validation_end}): give data_part=train, "
                f"train_end and validation_end, or leave {name} out"
            )
    recorded = describe_run(config, task)
    check(recorded)
    config.check_claims(recorded)


def default_steps(task: Task) -> int | None:
    """The task's own limit of an evaluated episode: what it names, or where it ends one itself; None of neither."""
    return getattr(task, "evaluation_steps", None) or getattr(task, "episode_limit", None)


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


def remarks(config: RunConfig, task: Task, loaded: Loaded) -> Iterator[str]:
    """What the log says of evaluations before anything is compiled: how much is played, and whose limit counts."""
    sessions = describe_run(config, task, loaded.sessions).traded_sessions
    if sessions is not None:
        yield (
            f"evaluation: {len(sessions.labels)} whole session(s) of {sessions.num_days} validation day(s), sampled "
            f"and greedy, at {len(config.traded_checkpoints)} of {len(config.planned_checkpoints)} checkpoints"
        )
    evaluation = describe_run(config, task).evaluation
    if evaluation is None:
        return
    limits = {
        "eval_max_steps": config.eval_max_steps,
        "windows of the validation part": getattr(task, "evaluation_steps", None),
        "the environment's own limit": getattr(task, "episode_limit", None),
    }
    whose = next((name for name, limit in limits.items() if limit), "the default, see --eval_max_steps")
    yield (
        f"evaluation: {evaluation.episodes} episodes sampled and as many greedy at each of "
        f"{len(config.planned_checkpoints)} checkpoints, of at most {evaluation.max_steps:,} steps ({whose})"
    )
    if evaluation.episodes == 1:
        yield "evaluation: one episode has no standard error: ask for two or more to know the noise"
