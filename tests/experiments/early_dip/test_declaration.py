"""The declaration of the study early_dip: its parts parse, keep to what was asked for, and name every switch."""

from __future__ import annotations

import experiments
from experiments.early_dip import STUDY, causes, confirmatory
from momentum_jax.cli import command_line
from momentum_jax.env.environment_options import NEED_BLACK_SCHOLES, EnvOptions
from momentum_jax.fields import is_static
from momentum_jax.study import declaration, queue


def parse(line):
    return command_line.parse(
        ["launch.py", *line.split()], experiments.load, experiments.names(), None, experiments.load_study
    )


def test_every_part_of_early_dip_parses_alone_and_within_the_study():
    command = parse("--study=early_dip --run_dir=runs/x")
    assert isinstance(command, command_line.StudyCommand)
    queue.check(command.parts)
    within = {part.name: part.config for part in command.parts}
    for part in STUDY.parts:
        alone = parse(f"--experiment={part.name} --run_dir=runs/x")
        assert isinstance(alone, command_line.Command)
        name = declaration.part_name(part)
        assert (name in within) is (name not in STUDY.by_request)
        assert within.get(name, alone.config) == alone.config
        assert (alone.config.num_seeds, alone.config.timesteps) == (part.num_seeds, part.timesteps)


def test_early_dip_keeps_to_the_least_that_was_asked_for():
    for part in STUDY.parts:
        name = declaration.part_name(part)
        if name == "full":
            least = (16, 500_000)
        elif name in ("streams", "random_episodes"):
            least = (128, 10_240)
        else:
            least = (64, 100_000) if name in STUDY.confirmatory else (32, 30_000)
        assert (part.num_seeds, part.timesteps) >= least, name
    assert len(causes.DOSES) >= 6
    assert all(85_000 in STUDY.part(name).checkpoints for name in ("reproduction", "main_causes", "controls"))


def test_early_dip_turns_every_switch_and_zeroes_every_term_that_can_occur():
    # What came later: an intervention on one link alone is free when off, and the second study turns those; the
    # switches of realistic prices make another environment.
    later = {"tier_weight", *NEED_BLACK_SCHOLES}
    every = {name: field for name, field in EnvOptions.__dataclass_fields__.items() if name not in later}
    fields = {
        name: field for name, field in every.items() if not (is_static(field) or field.metadata.get("free_when_off"))
    }
    switches = {name for name, field in fields.items() if isinstance(field.default, bool) or name.startswith("put_s")}
    assert confirmatory.SWITCHES.keys() == switches
    assert all(value != fields[name].default for name, value in confirmatory.SWITCHES.items())
    never = {"unaffordable_penalty", "flat_trim", "flat_exit", "position_buy", "overstay_limit"}
    weights = {name for name, field in fields.items() if name not in switches and field.default != 0}
    assert causes.REWARDS.keys() == weights - never
