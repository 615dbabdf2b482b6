"""`--env`: what a run on another environment is made of, and the flags that belong to the momentum environment."""

from __future__ import annotations

import dataclasses

import pytest

import experiments
from momentum_jax.cli import command_line
from momentum_jax.config import Arm, EnvOptions, Experiment, PPOConfig
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.run_directory import create_run
from tests.conftest import ROOT

OWN = Experiment(name="own", description="", arms=(Arm(name="a"), Arm(name="b")), environment="Acrobot-v1")


def parse(line: str, experiment: Experiment | None = None) -> command_line.Command:
    load = experiments.load if experiment is None else lambda name: experiment
    command = command_line.parse(["launch.py", *line.split()], load, experiments.names())
    assert isinstance(command, command_line.Command)
    return command


def refusal(line: str, experiment: Experiment | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(line, experiment)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_the_flag_it_is_the_momentum_environment():
    assert parse("--experiment=tune2").config.environment == "momentum"
    assert parse("--env=momentum").config == parse("").config


def test_another_environment_alone_is_one_arm_with_the_learners_defaults():
    command = parse("--env=CartPole-v1 --num_seeds=3 --ent_coef=0.1 --timesteps=9000")
    config = command.config
    assert (config.experiment, config.environment, config.claims) == ("CartPole-v1", "CartPole-v1", ())
    assert config.arms == (Arm(name="ppo", ppo=dataclasses.replace(PPOConfig(), ent_coef=0.1)),)
    assert (config.num_seeds, config.timesteps, config.market) == (3, 9_000, MarketConfig())
    assert str(command.run_dir).startswith("runs/CartPole-v1-")


def test_a_file_gives_the_run_its_name():
    command = parse("--env=some/where/mine.py:make")
    assert command.config.experiment == "mine" and str(command.run_dir).startswith("runs/mine-")


def test_an_experiment_may_be_declared_for_another_environment():
    config = parse("--experiment=own --num_seeds=2", OWN).config
    assert config.environment == "Acrobot-v1" and [arm.name for arm in config.arms] == ["a", "b"]
    assert parse("--experiment=own --num_seeds=2 --env=Acrobot-v1", OWN).config == config


def test_an_experiment_is_not_moved_to_another_environment():
    assert "experiment own is declared for Acrobot-v1" in refusal("--experiment=own --env=CartPole-v1", OWN)
    assert "experiment tune2 is declared for momentum" in refusal("--experiment=tune2 --env=CartPole-v1")


def test_options_of_the_momentum_environment_in_a_declaration_are_refused():
    arms = (Arm(name="a", env=EnvOptions(hold_tax=0.0)),)
    message = refusal("--experiment=own", dataclasses.replace(OWN, arms=arms))
    assert message.startswith("arm a has settings of the environment momentum, and the run is on Acrobot-v1")
    assert "market has settings" in refusal(
        "--experiment=own", dataclasses.replace(OWN, market={"vix_timing": "previous"})
    )


@pytest.mark.parametrize(
    "flag", ["--preset=reference", "--hold_tax=0", "--symbols=SPY", "--data_source=csv", "--human_momentum"]
)
def test_flags_of_the_momentum_environment_are_refused(flag):
    name = flag.partition("=")[0]
    expected = f"{name} belongs to the environment momentum, and this run is on CartPole-v1: leave it out"
    assert refusal(f"--env=CartPole-v1 {flag}") == expected


def test_a_run_goes_on_in_the_environment_it_was_begun_in(tmp_path):
    run_dir = tmp_path / "run"
    begun = parse(f"--env=CartPole-v1 --timesteps=9000 --run_dir={run_dir}").config
    create_run(run_dir, begun.to_json() | {"data": {}})
    for words in ("", " --env=CartPole-v1"):
        assert parse(f"--resume --run_dir={run_dir}{words}").config.environment == "CartPole-v1"
    assert parse(f"--extend_to=20000 --run_dir={run_dir}").config.timesteps == 20_000
    assert "was begun with --env=CartPole-v1" in refusal(f"--resume --run_dir={run_dir} --env=momentum")
    assert "is a run on CartPole-v1" in refusal(f"--resume --run_dir={run_dir} --experiment=tune2")
    assert "--hold_tax belongs to" in refusal(f"--resume --run_dir={run_dir} --hold_tax=0")


def test_the_documented_experiment_can_be_launched(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(page.split("```python mine.py\n")[1].split("```")[0])
    config = parse("--experiment=mine.py --timesteps=2048 --eval_episodes=4").config
    assert config.environment == "CartPole-v1" and [arm.name for arm in config.arms] == ["usual", "normalized"]
    assert config.arms[1].ppo == dataclasses.replace(config.arms[0].ppo, normalize_observations=True)
    assert len(config.programs) == 2


def test_the_documented_command_is_a_command():
    page = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    line = page.split("python launch.py ")[1].split("```")[0].replace("\\\n", "")
    assert parse(line).config.arms[0].ppo.gae_lambda == 0.8
