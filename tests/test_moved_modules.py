"""An import from an old place is answered by the import to write, and that one works."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from momentum_jax import moved_modules
from momentum_jax.config import experiment_file
from momentum_jax.fields import ConfigError
from tests.conftest import ROOT

# What the flat package offered to experiments' files and scripts, and what is written now.
OLD = {
    "from momentum_jax.claims import Claim, Criterion": "from momentum_jax.config import Claim, Criterion",
    "from momentum_jax.env.options import EnvOptions": "from momentum_jax.config import EnvOptions",
    "from momentum_jax.env.options import PRESETS, EnvOptions as E": (
        "from momentum_jax.env.environment_options import PRESETS, EnvOptions as E"
    ),
    "from momentum_jax.ppo.options import PPOConfig": "from momentum_jax.config import PPOConfig",
    "from momentum_jax.market.options import MarketConfig": (
        "from momentum_jax.market.market_options import MarketConfig"
    ),
    "from momentum_jax.store import load_run, read_config": (
        "from momentum_jax.run_directory import load_run, read_config"
    ),
    "from momentum_jax import store": "from momentum_jax import run_directory as store",
    "from momentum_jax import load_run, store": (
        "from momentum_jax.run_directory import load_run; from momentum_jax import run_directory as store"
    ),
    "import momentum_jax.store as s": "import momentum_jax.run_directory as s",
    "from momentum_jax import slurm as batch": "from momentum_jax.cli import batch_file as batch",
    "from momentum_jax.analysis.curves import derive_curves": (
        "from momentum_jax.analysis.metrics.derived_curves import derive_curves"
    ),
    "from momentum_jax.analysis.dips import find_dips": "from momentum_jax.analysis.dips.dips import find_dips",
    "from momentum_jax.analysis.joining import join_runs": "from momentum_jax.run_directory.joining import join_runs",
    "from momentum_jax.env.options import (\n    EnvOptions,\n)": "from momentum_jax.config import EnvOptions",
    "from momentum_jax.training import Nothing": None,  # there never was one
    "from momentum_jax.config import Arm, Nothing": None,
    "import momentum_jax.nothing": None,
    "import nothing": None,
}
HEAD = "from momentum_jax.config import Arm, Experiment\n"
TAIL = '\nEXPERIMENT = Experiment(name="mine", description="", arms=(Arm(name="a"),))\n'


@pytest.mark.parametrize(("line", "new"), OLD.items())
def test_an_experiments_file_is_told_the_new_place_and_loads_with_it(tmp_path, line, new):
    path = tmp_path / "mine.py"
    path.write_text(HEAD + line + TAIL)
    with pytest.raises(ConfigError) as caught:
        experiment_file.load_file(str(path), "--experiment")
    message = str(caught.value)
    advised = re.findall(r"write `([^`]*)`", message)
    assert advised == ([new] if new else []), message
    assert "\n" not in message and "line 2" in message
    if new:
        path.write_text(HEAD + new + TAIL)
        assert experiment_file.load_file(str(path), "--experiment").EXPERIMENT.name == "mine"


def test_a_file_beside_it_is_read_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "old_helper.py").write_text("import json\nfrom momentum_jax.claims import Claim\n")
    (tmp_path / "mine.py").write_text("import old_helper\n" + HEAD + TAIL)
    with pytest.raises(ConfigError, match=r"write `from momentum_jax\.config import Claim`"):
        experiment_file.load_file(str(tmp_path / "mine.py"), "--experiment")


def test_the_command_line_says_it_in_one_line(tmp_path):
    (tmp_path / "mine.py").write_text("from momentum_jax.claims import Claim\n" + HEAD + TAIL)
    command = [sys.executable, "launch.py", f"--experiment={tmp_path / 'mine.py'}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "write `from momentum_jax.config import Claim`" in result.stderr


def test_whatever_was_renamed_is_there():
    for old, new in moved_modules._RENAMED.items():
        assert f"momentum_jax.{new}" in moved_modules._modules(), (old, new)
