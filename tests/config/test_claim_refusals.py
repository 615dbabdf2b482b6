"""Claims that no run can decide are refused before training, in one line whose advice works."""

from __future__ import annotations

import dataclasses
import re

import pytest

import experiments
from momentum_jax.cli import command_line
from momentum_jax.config import Arm, Experiment, RunConfig
from momentum_jax.config.declared_claims import Claim, Criterion
from momentum_jax.fields import ConfigError
from momentum_jax.training import runner

LEVEL = Criterion(arm="tune2", metric="hold_pct", step=10_000, maximum=50.0)
DIP = dataclasses.replace(LEVEL, quantity="prevalence", counted="exact", step=25_000)


def declaring(*criteria: Criterion, **settings) -> Experiment:
    claims = (Claim(name="mine", statement="HOLD is low.", criteria=criteria),)
    return dataclasses.replace(experiments.load("tune2"), claims=claims, **settings)


def launch(experiment: Experiment, flags: str = "") -> RunConfig:
    return command_line.parse(["launch.py", *flags.split()], lambda name: experiment, ["tune2"]).config


def refused(experiment: Experiment, flags: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        launch(experiment, flags)
    message = str(caught.value)
    assert "claim 'mine'" in message and "\n" not in message
    return message


@pytest.mark.parametrize("field", ["arm", "versus"])
def test_an_unknown_arm_is_refused_with_the_arms_there_are(field):
    message = refused(declaring(dataclasses.replace(LEVEL, **{field: "tune9"})))
    assert "'tune9'" in message and "choose from tune2" in message
    launch(declaring(dataclasses.replace(LEVEL, **{field: "tune2"})))


def test_an_arm_of_another_part_may_be_compared_with_where_it_is_declared():
    criterion = dataclasses.replace(LEVEL, versus="reference")
    assert "'reference'" in refused(declaring(criterion))
    launch(declaring(criterion, other_arms=("reference",)))


@pytest.mark.parametrize("criterion", [LEVEL, DIP, dataclasses.replace(LEVEL, quantity="change", from_step=5_000)])
def test_a_step_beyond_the_run_is_refused_and_the_advice_works(criterion):
    short = declaring(criterion, timesteps=6_000)
    message = refused(short)
    assert f"step {criterion.step}" in message and "ends at 6144" in message
    advice = re.search(r"--timesteps=\d+", message)[0]
    assert launch(short, advice).timesteps == criterion.step


@pytest.mark.parametrize("step", [12_345, 85_000])
def test_a_step_that_is_no_checkpoint_is_refused_and_each_advice_works(step):
    experiment = declaring(dataclasses.replace(LEVEL, step=step))
    message = refused(experiment)
    before, after = map(int, re.search(r"choose (\d+) or (\d+)", message).groups())
    assert before < step < after
    for near in (before, after):
        launch(declaring(dataclasses.replace(LEVEL, step=near)))
    launch(experiment, f"--checkpoints=5000,{step}")


def test_a_run_that_the_flags_make_shorter_is_trained_and_says_what_is_not_judged():
    config = launch(declaring(LEVEL), "--timesteps=1000 --checkpoints=70,500")
    (line,) = config.unjudged_claims()
    assert line == "claim 'mine' speaks of step 10000, and the run ends at 1024: it will not be judged"
    assert list(launch(declaring(LEVEL)).unjudged_claims()) == []


def test_a_run_made_without_the_command_line_refuses_unknown_arms_too():
    experiment = declaring(dataclasses.replace(LEVEL, arm="tune9"))
    config = RunConfig(experiment="x", arms=experiment.arms, claims=experiment.claims)
    with pytest.raises(ConfigError, match="names arm 'tune9'"):
        config.validate()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minimum": 50.0, "maximum": 50.0}, "larger maximum"),
        ({"quantity": "change", "from_step": 10_000}, "not before"),
        ({"quantity": "depth", "counted": "exact", "from_step": 30_000}, "not before"),
    ],
)
def test_a_criterion_that_no_number_meets_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        launch(declaring(dataclasses.replace(LEVEL, **changes)))


@pytest.mark.parametrize("name", ["trim_trap", "early_dip.reproduction", "early_dip.main_causes", "early_dip.controls"])
def test_what_this_project_declares_can_be_decided(name):
    assert launch(experiments.load(name)).claims


def test_a_claim_on_a_metric_that_the_environment_does_not_have_is_refused_before_anything_is_made(tmp_path):
    run_dir = tmp_path / "run"
    claim = Claim(name="mine", statement="", criteria=(dataclasses.replace(LEVEL, arm="a"),))
    config = RunConfig(experiment="x", arms=(Arm(name="a"),), claims=(claim,), environment="CartPole-v1")
    config.validate()
    with pytest.raises(ConfigError, match=r"claim 'mine': criterion metric='hold_pct' is unknown: .* episode_return"):
        runner.train(config, run_dir, lambda line: None)
    assert not run_dir.exists()
