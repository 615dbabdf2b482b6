"""`python -m momentum_jax.evaluate`: what it writes, and one line and exit code 2 for what it refuses."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest

from momentum_jax.cli import command
from momentum_jax.cli.evaluate_command import main
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.run_directory.backtest_files import read_sessions
from momentum_jax.training import runner
from tests.quick_programs import compiled_quickly

PPO = PPOConfig(num_steps=64, minibatch_size=64, num_epochs=1, hidden_sizes=(8,))
SPLIT = {"train_end": "2024-01-31", "validation_end": "2024-03-20", "data_part": "train"}


def trained(run_dir, **market):
    arms = (Arm(name="small", ppo=PPO),)
    own = {"timesteps": 64, "checkpoints": (64,), "num_seeds": 2}
    config = RunConfig(experiment="t", arms=arms, market=MarketConfig(**market), **own)
    with compiled_quickly():
        runner.train(config, run_dir, lambda line: None)
    return run_dir


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("evaluated") / "run", **SPLIT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was trained on all of its days."""
    return trained(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def refused(capsys):
    def check(*words: str, code: int = 2) -> str:
        assert main(words) == code
        shown = capsys.readouterr()
        assert shown.err.startswith("momentum_jax.evaluate: ") and shown.err.count("\n") == 1
        return shown.err

    return check


def changed(run_dir, tmp_path, **keys):
    """A copy of a run whose config.json says something else; None leaves a key out."""
    other = tmp_path / "other"
    shutil.copytree(run_dir, other)
    config = json.loads((other / "config.json").read_text()) | keys
    kept = {name: value for name, value in config.items() if name not in keys or value is not None}
    (other / "config.json").write_text(json.dumps(kept))
    return other


def test_the_test_part_is_played_and_written_beside_the_run(run_dir, capsys):
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file()}
    assert command.main(["evaluate", str(run_dir), "--trades"]) == 0
    shown = capsys.readouterr().out
    assert "No verdict: 2 seeds and" in shown and "report.html" in shown and "trades.parquet" in shown
    folder = run_dir / "evaluation" / "test"
    ds = read_sessions(folder)
    assert ds.sizes["seed"] == 2 and pd.Timestamp(ds.day.values[0]) > pd.Timestamp(SPLIT["validation_end"])
    assert len(pd.read_parquet(folder / "trades.parquet")) > 0
    # No training state is touched.
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_more_folds_than_the_days_allow_are_refused_before_anything_is_played(run_dir, refused, tmp_path):
    assert re.search(r"folds=99 of \d+ days: give at least 2 and at most", refused(str(run_dir), "--folds=99"))
    assert "give at least 2" in refused(str(run_dir), "--folds=0", f"--output={tmp_path / 'page'}")
    assert not (tmp_path / "page").exists()


@pytest.mark.slow
def test_days_that_were_trained_on_are_refused_and_the_remedy_works(whole, refused, capsys, tmp_path):
    line = refused(str(whole), "--data_part=all")
    assert re.search(r"\d+ of the days of data_part=all were trained on \(2024-01-02 to", line)
    assert "--allow_training_days" in line
    assert (
        main([str(whole), "--data_part=all", "--end_date=2024-01-08", "--allow_training_days", f"--output={tmp_path}"])
        == 0
    )
    ds = read_sessions(tmp_path)
    assert ds.attrs["training_days_judged"] == ds.sizes["day"] > 0
    capsys.readouterr()


def test_a_run_without_a_test_part_is_told_how_to_get_one(whole, run_dir, refused):
    line = refused(str(whole))
    assert "has no test part, validation_end is missing" in line and "--data_part=all --allow_training_days" in line
    assert "write it as YYYY-MM-DD" in refused(str(run_dir), "--validation_end=soon")


def test_a_missing_policy_is_named(run_dir, refused, tmp_path):
    other = changed(run_dir, tmp_path)
    (other / "policies" / "final_small.npz").unlink()
    assert "final_small.npz: not found" in refused(str(other))


def test_runs_that_cannot_be_judged_are_refused(run_dir, refused, tmp_path):
    cartpole = changed(run_dir, tmp_path / "a", environment="CartPole-v1")
    assert "is a run on CartPole-v1, and only runs on momentum trade" in refused(str(cartpole))
    unfinished = changed(run_dir, tmp_path / "b", finished=None)
    config = json.loads((unfinished / "config.json").read_text()) | {"finished": None}
    (unfinished / "config.json").write_text(json.dumps(config))
    assert "has not ended" in refused(str(unfinished))
    arms = [{"name": "small"}]
    older = changed(run_dir, tmp_path / "c", arms=arms, schema_version=0)
    assert "schema version 0 did not record the settings of market and arms" in refused(str(older))
    newer = changed(run_dir, tmp_path / "d", schema_version=99)
    assert "schema version 99 is newer" in refused(str(newer))


def test_bars_other_than_the_trained_ones_are_refused(run_dir, refused, tmp_path):
    config = json.loads((run_dir / "config.json").read_text())
    other = changed(run_dir, tmp_path, data=config["data"] | {"fingerprint": "0" * 64})
    assert "their fingerprint differs" in refused(str(other))


def test_mistyped_lines_are_refused(run_dir, refused, tmp_path):
    assert "a run directory is missing" in refused()
    assert "is a second run directory" in refused(str(run_dir), str(run_dir))
    assert "did you mean trades" in refused(str(run_dir), "--trade")
    assert "not found, so" in refused(str(tmp_path / "nowhere"))
    assert "data_part" in refused(str(run_dir), "--data_part=tests")


def test_help_names_every_flag(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"--{name}" in shown for name in ("data_part", "trades", "allow_training_days", "output", "symbols"))
