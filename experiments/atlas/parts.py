"""The runs of the study: each environment with its learner, and the same on permuted rewards as its control."""

from __future__ import annotations

import dataclasses

from momentum_jax.config import Arm, Experiment

from .environments import ADDED, ENTRIES, Entry

STUDY_NAME = "atlas"
LEARNER, CONTROL = "ppo", "permuted"
PROBES = 64  # states whose probabilities are recorded whole


def control_part(entry: Entry) -> str:
    """The name of an environment's control within the study."""
    return f"{entry.part}_control"


def _experiment(part: str, entry: Entry, arm: Arm, num_seeds: int, what: str) -> Experiment:
    return Experiment(
        name=f"{STUDY_NAME}.{part}",
        description=f"PPO on {entry.environment}{what}.",
        arms=(arm,),
        timesteps=entry.timesteps,
        num_seeds=num_seeds,
        checkpoints=entry.checkpoints,
        environment=entry.environment,
        eval_episodes=entry.eval_episodes,
        eval_max_steps=entry.eval_max_steps,
        record_probes=PROBES,
    )


def parts_of(entry: Entry) -> tuple[Experiment, ...]:
    """The learner's run and the control's, on the first of the same seeds."""
    learner = _experiment(entry.part, entry, Arm(name=LEARNER, ppo=entry.ppo), entry.num_seeds, "")
    if not entry.num_control_seeds:
        return (learner,)
    permuted = Arm(name=CONTROL, ppo=dataclasses.replace(entry.ppo, permute_rewards=True))
    what = ", rewards permuted"
    return (learner, _experiment(control_part(entry), entry, permuted, entry.num_control_seeds, what))


PARTS = tuple(part for entry in ENTRIES for part in parts_of(entry))
ADDED_PARTS = tuple(part for entry in ADDED for part in parts_of(entry))
