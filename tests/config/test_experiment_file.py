"""Experiments of a user's own: `--experiment=path/to/file.py`, and the commands of an installed package."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

from momentum_jax import lookup
from momentum_jax.cli import command, command_line
from momentum_jax.config import experiment_file
from momentum_jax.fields import ConfigError
from tests.conftest import ROOT

experiments = experiment_file.shipped()
HEAD = "from momentum_jax.config import Arm, Experiment\nfrom momentum_jax.study import Study\n"
MINE = 'EXPERIMENT = Experiment(name="mine", description="", arms=(Arm(name="a"), Arm(name="b")), timesteps=3000)\n'


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into the present folder, the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def to_file(text: str, name: str = "mine.py") -> str:
        (tmp_path / name).write_text(text)
        return name

    return to_file


def parse(line: str) -> command_line.Command | command_line.StudyCommand | str:
    words = ["launch.py", *line.split()]
    return command_line.parse(words, experiments.load, experiments.names(), load_study=experiments.load_study)


def test_a_file_is_an_experiment_with_flags_on_top(write):
    parsed = parse(f"--experiment=./{write(HEAD + MINE)} --num_seeds=3 --ent_coef=0.1")
    assert [arm.name for arm in parsed.config.arms] == ["a", "b"]
    assert parsed.config.experiment == "mine" and parsed.config.timesteps == 3_000
    assert all(arm.ppo.ent_coef == 0.1 for arm in parsed.config.arms)
    assert str(parsed.run_dir).startswith("runs/mine-")


def test_a_file_may_import_what_lies_beside_it_and_the_shipped_experiments(write, tmp_path):
    write("NAME = 'beside'\n", "neighbour_of_mine.py")
    text = "import neighbour_of_mine as other\nfrom momentum_jax.experiments import tune2\n" + HEAD
    text += 'EXPERIMENT = Experiment(name=other.NAME, description="", arms=(tune2.ARM,))\n'
    found = experiments.load(str(tmp_path / write(text)))
    assert found.name == "beside" and found.arms[0].name == "tune2"


def test_a_file_may_be_in_the_home_folder(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert experiments.load(f"~/{write(HEAD + MINE)}").name == "mine"


def test_a_file_may_hold_a_study(write, tmp_path):
    part = 'Experiment(name="own.first", description="", arms=(Arm(name="a"),), timesteps=2000)'
    text = f"{HEAD}STUDY = Study(name='own', question='?', primary='p', beside='b', horizon=1, threshold=5.0, "
    text += f"parts=({part},), confirmatory=())\n"
    name = write(text)
    assert experiments.load_study(name).name == "own"
    with pytest.raises(
        ConfigError, match=r"experiment='mine.py' is a study: use --study=mine.py, with --parts for some of first$"
    ):
        experiments.load(name)
    found = parse(f"--study={name} --run_dir={tmp_path / 'study'}")
    assert [run.name for run in found.parts] == ["first"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "mine.py defines neither EXPERIMENT, one run, nor STUDY, several"),
        ("EXPERIMENT = 3\n", "mine.py defines neither EXPERIMENT"),
        ("x = 1\ndef f(:\n", r"experiment='mine.py' fails: SyntaxError: .*\(line 2\)"),
        ("x = 1\n\n1 / 0\n", r"experiment='mine.py' fails: ZeroDivisionError: division by zero \(line 3\)"),
        ("import sys\nsys.exit('no')\n", r"experiment='mine.py' fails: SystemExit: no \(line 2\)"),
        ("import no_such_module\n", r"experiment='mine.py' fails: ModuleNotFoundError: .*no_such_module.*\(line 1\)"),
        (HEAD + "EXPERIMENT = Experiment(name='x')\n", r"fails: TypeError: .*missing .*\(line 3\)"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(write, text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        experiments.load(write(text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(write):
    with pytest.raises(ConfigError, match=r"experiment='gone\.py': there is no such file"):
        parse("--experiment=gone.py")
    assert not experiment_file.is_file_name("early_dip.dose")


def test_the_experiments_have_one_name_wherever_they_lie():
    assert experiments.__name__ == "momentum_jax.experiments" and "tune2" in experiments.names()
    assert experiments.load("early_dip.dose").name == "early_dip.dose"


class OtherCopy(MetaPathFinder):
    """What an editable installation of another copy adds to the finders."""

    def __init__(self, folder: Path):
        self._file = folder / "__init__.py"
        self._file.write_text("")

    def find_spec(self, fullname, path=None, target=None):
        found = fullname == "momentum_jax.experiments"
        return importlib.util.spec_from_file_location(fullname, self._file) if found else None


def test_the_experiments_are_those_of_this_copy_where_another_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, OtherCopy(tmp_path)])
    monkeypatch.delitem(sys.modules, "momentum_jax.experiments")
    assert Path(experiment_file.shipped().__file__) == ROOT / "experiments" / "__init__.py"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "market"),
        (["--version"], 0, "momentum_jax 0"),
        ([], 2, "a command is missing: choose one of launch, report, dips, evaluate, market, study"),
        (["train"], 2, "'train' is no command: choose one of"),
        (["report", "nowhere"], 2, "nowhere"),
    ],
)
def test_the_command_says_what_it_can_do(words, code, told, capsys):
    assert command.main(words) == code
    assert told in "".join(capsys.readouterr())


def test_the_module_is_the_command():
    words = [sys.executable, "-m", "momentum_jax", "launch", "--experiment=nothing"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2
    refusal = "momentum-jax launch: experiment='nothing' is unknown: choose one of baseline, entropy"
    assert result.stderr.startswith(refusal)


NETWORK = "from momentum_jax.networks.towers import Towers\n\n\nclass Mine(Towers):\n    pass\n"
NAMES_NETWORK = """from momentum_jax.config import Arm, Experiment, PPOConfig
ARMS = (
    Arm(name="beside", ppo=PPOConfig(network="nets/mine.py:Mine")),
    Arm(name="shipped", ppo=PPOConfig(network="experiments/early_dip/two_towers.py:TwoTowers")),
    Arm(name="named", ppo=PPOConfig(network="towers", optimizer="optax:lion")),
    Arm(name="here", ppo=PPOConfig(network="elsewhere.py:Mine")),
)
EXPERIMENT = Experiment(name="mine", description="", arms=ARMS)
"""
TWO_TOWERS = "momentum_jax.experiments.early_dip.two_towers:TwoTowers"


def test_a_network_is_looked_up_beside_the_file_that_names_it(write, tmp_path, monkeypatch):
    """From whichever folder the file is loaded; a shipped one has the same name on every machine."""
    (tmp_path / "nets").mkdir()
    write(NETWORK, "nets/mine.py")
    name = str(tmp_path / write(NAMES_NETWORK))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    found = experiments.load(name).arms
    expected = [f"{tmp_path}/nets/mine.py:Mine", TWO_TOWERS, "towers", "elsewhere.py:Mine"]
    assert [arm.ppo.network for arm in found] == expected
    assert [arm.ppo.optimizer for arm in found] == ["adam", "adam", "optax:lion", "adam"]
    assert lookup.load("network", found[0].ppo.network, {}).__name__ == "Mine"
    with pytest.raises(ConfigError, match=r"network='elsewhere.py:Mine': there is no file elsewhere.py"):
        found[3].ppo.validate()


def test_the_parts_of_a_study_look_beside_their_file_too(write, tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "net.py").write_text(NETWORK)
    part = 'Experiment(name="own.first", description="", arms=(Arm(name="a", ppo=PPOConfig(network="net.py:Mine")),))'
    text = f"from momentum_jax.config import PPOConfig\n{HEAD}STUDY = Study(name='own', question='?', primary='p', "
    write(text + f"beside='b', horizon=1, threshold=5.0, parts=({part},), confirmatory=())\n", "own/__init__.py")
    monkeypatch.chdir(tmp_path.parent)
    study = experiments.load_study(f"{tmp_path}/own")
    assert study.parts[0].arms[0].ppo.network == f"{tmp_path}/own/net.py:Mine"


@pytest.mark.parametrize("name", ["world.py:make", "world.py"])
def test_an_environment_is_looked_up_beside_the_file_that_names_it(write, tmp_path, monkeypatch, name):
    write("", "world.py")
    declared = f"EXPERIMENT = Experiment(name='mine', description='', arms=(Arm(name='a'),), environment={name!r})\n"
    path = str(tmp_path / write(HEAD + declared))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    whole = f"{tmp_path}/world.py:make"
    assert experiments.load(path).environment == whole
    words = ["launch.py", f"--experiment={path}", "--env=../world.py"]
    assert command_line.parse(words, experiments.load, experiments.names()).config.environment == whole
    with pytest.raises(ConfigError, match=f"experiment mine is declared for {whole}"):
        command_line.parse([*words[:2], "--env=elsewhere.py"], experiments.load, experiments.names())


def test_a_shipped_network_is_found_by_a_program_that_loaded_no_experiment(tmp_path):
    """As where a stored policy is opened from a script of one's own."""
    text = f"from momentum_jax import lookup\nprint(lookup.load('network', {TWO_TOWERS!r}, {{}}).__name__)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", text]
    result = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert result.stdout == "TwoTowers\n", result.stderr
