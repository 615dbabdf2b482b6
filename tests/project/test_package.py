"""What an installed package is: a wheel in an environment of its own trains, outside the project's folder."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import momentum_jax
from momentum_jax.cli import command
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
SMALL = ["--num_steps=64", "--minibatch_size=32", "--num_epochs=1", "--hidden_sizes=16"]
OWN = """
from momentum_jax.config import Arm, Experiment
from momentum_jax.experiments import tune2

import helper

EXPERIMENT = Experiment(
    name="mine",
    description="two arms",
    arms=(tune2.ARM, Arm(name=helper.NAME)),
    timesteps=512,
    num_seeds=2,
    checkpoints=(256,),
)
"""


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command without anything that would lead Python back to the project."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("momentum_jax", "experiments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    out = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", out, folder, cwd=out)
    assert built.returncode == 0, built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of programs of an environment that has the wheel, and shares what it requires with this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "shared.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    done = run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_the_wheel_holds_one_package_and_run_time_requirements(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        information = next(name for name in names if name.endswith("dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(information).decode())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"momentum_jax", information.split("/")[0]}
    for folder, inside in (("momentum_jax", "momentum_jax"), ("experiments", "momentum_jax/experiments")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{inside}/{path.relative_to(ROOT / folder)}" in names
    required = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert 15 < len(required) < 25
    for name in ("pytest", "hypothesis", "yfinance", "massive", "alpaca", "ruff", "mypy", "tensorboard", "websockets"):
        assert not any(line.lower().startswith(name) for line in required)
    assert set(metadata.get_all("Provides-Extra")) >= {
        "vendors",
        "massive",
        "alpaca",
        "yfinance",
        "tensorboard",
        "test",
    }
    assert metadata["Version"] == momentum_jax.__version__


def test_it_trains_and_reports_from_another_folder(installed, tmp_path):
    trained = run(
        installed / "momentum-jax", "launch", "--experiment=trim_trap", "--num_seeds=2", "--timesteps=512",
        "--checkpoints=256", "--run_dir=run", *SMALL, cwd=tmp_path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert "run directory: run" in trained.stdout
    program = "import momentum_jax; r = momentum_jax.load_run('run'); print(momentum_jax.__file__, r.sizes['seed'])"
    loaded = run(installed / "python", "-c", program, cwd=tmp_path)
    file, seeds = loaded.stdout.split()
    assert Path(file).is_relative_to(installed.parent) and seeds == "2"
    reported = run(installed / "momentum-jax", "report", "run", "--out=again", cwd=tmp_path)
    assert reported.returncode == 0 and (tmp_path / "again" / "report.html").is_file(), reported.stderr
    resumed = run(installed / "python", "-m", "momentum_jax", "launch", "--resume", "--run_dir=run", cwd=tmp_path)
    assert resumed.returncode == 0 and "finished already" in resumed.stdout + resumed.stderr, resumed.stderr


def test_a_users_own_file_is_an_experiment(installed, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "mine.py").write_text(OWN)
    (tmp_path / "files" / "helper.py").write_text('NAME = "other"\n')
    trained = run(installed / "momentum-jax", "launch", "--experiment=files/mine.py", *SMALL, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    (run_dir,) = (tmp_path / "runs").iterdir()
    assert run_dir.name.startswith("mine-")


def test_the_other_commands_and_what_is_not_installed(installed, tmp_path):
    assert run(installed / "python", "-c", "import experiments", cwd=tmp_path).returncode == 1
    shown = run(installed / "momentum-jax", "launch", "--help", cwd=tmp_path)
    assert shown.returncode == 0 and "trim_trap" in shown.stdout
    inspected = run(installed / "momentum-jax", "market", "inspect", "--symbols=SPY", cwd=tmp_path)
    assert inspected.returncode == 0 and "60 sessions" in inspected.stdout, inspected.stderr
    listed = run(installed / "momentum-jax", cwd=tmp_path)
    assert listed.returncode == 2 and all(name in listed.stderr for name in command.COMMANDS)
    batch = ["--experiment=tune2", "--slurm=job.sbatch", "--run_dir=big"]
    written = run(installed / "momentum-jax", "launch", *batch, cwd=tmp_path)
    assert written.returncode == 0 and "-m momentum_jax launch" in (tmp_path / "job.sbatch").read_text(), written.stderr
