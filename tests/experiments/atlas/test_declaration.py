"""The declaration of the atlas: environments, seeds, checkpoints and settings as they were asked for and published."""

from __future__ import annotations

import dataclasses

import pytest

import experiments
from experiments.atlas import STUDY, claims
from experiments.atlas.environments import ADDED, BLINES, ENTRIES, LEFT_OUT, MINATAR, PUREJAX, ZOO
from experiments.atlas.parts import CONTROL, LEARNER, control_part
from momentum_jax.cli import command_line
from momentum_jax.study import part_name, queue

BY_PART = {entry.part: entry for entry in (*ENTRIES, *ADDED)}


def parse(line):
    return command_line.parse(
        ["launch.py", *line.split()], experiments.load, experiments.names(), None, experiments.load_study
    )


def names_of(entry):
    return (entry.part, control_part(entry)) if entry.num_control_seeds else (entry.part,)


@pytest.fixture(scope="module")
def parts():
    command = parse("--study=atlas --run_dir=runs/x")
    queue.check(command.parts)
    return {part.name: part.config for part in command.parts}


def test_each_environment_is_a_learner_and_its_control_on_the_first_of_the_same_seeds(parts):
    assert list(parts) == [part_name(part) for part in STUDY.parts]
    assert list(parts) == [name for entry in (*ENTRIES, *ADDED) for name in names_of(entry)]
    for entry in (entry for entry in ENTRIES if entry.num_control_seeds):
        learner, control = parts[entry.part], parts[control_part(entry)]
        assert control.seeds == learner.seeds[: entry.num_control_seeds]
        (usual,), (permuted,) = learner.arms, control.arms
        assert (usual.name, permuted.name) == (LEARNER, CONTROL)
        assert permuted.ppo == dataclasses.replace(usual.ppo, permute_rewards=True) != usual.ppo
        same = [(run.timesteps, run.checkpoints, run.eval_episodes, run.environment) for run in (learner, control)]
        assert same[0] == same[1]


def test_seeds_checkpoints_and_the_horizon_are_what_was_asked_for(parts):
    for entry in (*ENTRIES, *ADDED):
        config = parts[entry.part]
        assert config.num_seeds >= (64 if entry in MINATAR else 256)
        steps = config.planned_checkpoints
        assert len(steps) >= 60 and steps[-1] == entry.timesteps
        # Each checkpoint is another policy.
        assert all(step % entry.ppo.rollout_size == 0 for step in steps)
        assert entry.horizon == entry.timesteps // 2 <= STUDY.horizon
    assert STUDY.threshold == claims.SMALLEST


@pytest.mark.parametrize(
    ("part", "source", "expected"),
    [
        (
            "cartpole",
            ZOO,
            {"num_envs": 8, "num_steps": 32, "minibatch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "num_epochs": 20}
            | {"ent_coef": 0.0, "learning_rate": 1e-3, "anneal_learning_rate": True, "anneal_clip_range": True}
            | {"clip_range": 0.2, "vf_coef": 0.5, "activation": "tanh", "hidden_sizes": (64, 64)},
        ),
        (
            "acrobot",
            ZOO,
            {"num_envs": 16, "gae_lambda": 0.94, "gamma": 0.99, "num_epochs": 4, "learning_rate": 3e-4}
            | {"minibatch_size": 64, "normalize_observations": True, "normalize_rewards": True},
        ),
        (
            "catch",
            BLINES,
            {"num_envs": 16, "num_steps": 32, "minibatch_size": 128, "max_grad_norm": 1.0, "learning_rate": 5e-4}
            | {"gae_lambda": 0.95, "ent_coef": 0.01, "vf_coef": 0.25, "activation": "relu", "hidden_sizes": (64, 64)},
        ),
        (
            "mountain_car",
            ZOO,
            {"num_envs": 16, "num_steps": 16, "gae_lambda": 0.98, "gamma": 0.99, "num_epochs": 4, "ent_coef": 0.0}
            | {"minibatch_size": 64, "learning_rate": 3e-4, "normalize_observations": True, "normalize_rewards": True},
        ),
        ("deep_sea", BLINES, {"num_envs": 8, "num_steps": 32, "minibatch_size": 64, "max_grad_norm": 0.5}),
        (
            "breakout",
            BLINES,
            {"num_envs": 16, "num_steps": 128, "gamma": 0.999, "minibatch_size": 256, "num_epochs": 4},
        ),
        (
            "meta_maze",
            PUREJAX,
            {"num_envs": 4, "num_steps": 128, "minibatch_size": 128, "learning_rate": 2.5e-4, "vf_coef": 0.25}
            | {"anneal_learning_rate": True, "activation": "tanh", "ent_coef": 0.01},
        ),
    ],
)
def test_settings_are_those_of_the_source(part, source, expected):
    entry = BY_PART[part]
    assert entry.source == source
    assert {name: getattr(entry.ppo, name) for name in expected} == expected


def test_what_is_not_as_in_the_source_is_said():
    for entry in MINATAR:
        assert "16 environments" in entry.differs and "64 units" in entry.differs
    assert "64 steps" in BY_PART["acrobot"].differs and BY_PART["acrobot"].ppo.num_steps == 64
    assert all(entry.usual_steps > entry.timesteps for entry in ENTRIES)


def test_every_discrete_environment_of_gymnax_is_either_in_or_left_out_for_a_reason():
    gymnax = pytest.importorskip("gymnax")
    names = {name for name in gymnax.registered_envs if "omentum" not in name}
    continuous = {"Pendulum-v1", "MountainCarContinuous-v0", "PointRobot-misc", "Reacher-misc", "Swimmer-misc"}
    within = {entry.environment for entry in (*ENTRIES, *ADDED)}
    assert within | LEFT_OUT.keys() == names - continuous
    assert not within & LEFT_OUT.keys()


def test_claims_are_told_apart_and_written_into_the_declaration():
    names = [statement.name for statement in claims.DECLARED]
    assert len(names) == len(set(names)) == 7
    assert all(statement.words in STUDY.primary for statement in claims.DECLARED)
