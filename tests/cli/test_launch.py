"""launch.py as a person uses it: in a process of its own wherever that is what is tested."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.env.rules import NUM_ACTIONS
from momentum_jax.processes import invocation
from tests.cli.launch_fixture import Ended, Launcher
from tests.conftest import ROOT
from tests.markets import make_segment
from tests.quick_programs import processes_compile_quickly

SMALL = ["--num_steps=64", "--minibatch_size=32", "--num_epochs=2", "--hidden_sizes=16"]


@pytest.fixture(scope="module", autouse=True)
def quick_programs():
    """Nothing here compares two programs bit by bit."""
    with processes_compile_quickly():
        yield


def launch(*arguments: str, **environment: str) -> Ended:
    """In a process of its own."""
    command = [sys.executable, "launch.py", *arguments]
    env = os.environ | environment
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=env)
    return Ended(done.returncode, done.stdout, done.stderr, [])


@pytest.fixture
def launch_here(monkeypatch, capsys) -> Launcher:
    """Command lines carried out in this process."""
    return Launcher(monkeypatch, capsys)


@pytest.fixture(scope="module")
def bar_file(tmp_path_factory) -> Path:
    """Made-up bars as a CSV file, with the VIX beside it."""
    folder = tmp_path_factory.mktemp("bars")
    segment = make_segment(900)
    bars = pd.DataFrame(segment.bars, columns=["open", "high", "low", "close", "volume"])
    bars.insert(0, "datetime", pd.to_datetime(segment.bar_time_ns))
    bars.to_csv(folder / "bars.csv", index=False)
    vix = pd.DataFrame({"DATE": pd.to_datetime(segment.vix_date_ns), "CLOSE": segment.vix_close})
    vix.to_csv(folder / "vix.csv", index=False)
    return folder / "bars.csv"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, bar_file) -> tuple[Path, Ended]:
    """A small run of two arms, one of which diverges."""
    run_dir = tmp_path_factory.mktemp("runs") / "small"
    return run_dir, launch(
        "--experiment=trim_trap",
        "--num_seeds=3",
        "--timesteps=1000",
        "--checkpoints=70,500",
        "--data_source=csv",
        f"--data_path={bar_file}",
        f"--vix_path={bar_file.parent / 'vix.csv'}",
        f"--run_dir={run_dir}",
        *SMALL,
    )


def test_a_run_prints_its_tables_and_fills_its_directory(finished):
    run_dir, result = finished
    assert result.code == 0, result.err
    assert not result.err  # a progress bar is for terminals
    for words in ("strong BUY %", "cumulative", "windowed", "prevalence %", "trim_reduces_cost", str(run_dir)):
        assert words in result.out
    files = {str(path.relative_to(run_dir)) for path in run_dir.rglob("*") if path.is_file()}
    steps = {f"diagnostics/step_{step:08d}.npz" for step in (0, 70, 500, 1_000, 1_024)}
    assert files >= steps | {"config.json", "log.txt", "report/report.md", "report/dips.csv"}
    assert "policies/final_reference.npz" in files
    assert not [name for name in files if "tmp" in name]


def test_the_dataset_counts_every_step_exactly(finished):
    run = momentum_jax.load_run(finished[0])
    assert dict(run.sizes) | {"arm": 2, "seed": 3, "checkpoint": 5} == dict(run.sizes)
    assert run.env_steps.values.tolist() == [0, 70, 500, 1_000, 1_024]
    assert run["update"].values.tolist() == [0, 1, 7, 15, 15]
    probabilities = run.p_action.values
    legal = probabilities[..., :3]
    known = ~np.isnan(legal[..., 0])
    np.testing.assert_allclose(legal.sum(axis=-1)[known], 1.0, atol=1e-6)
    assert np.nanmax(probabilities[..., 3:]) == 0
    assert probabilities.shape[-1] == NUM_ACTIONS
    # Seeds share nothing but the market, arms share their seeds' streams: the same before the first step.
    np.testing.assert_array_equal(probabilities[0, :, 0], probabilities[1, :, 0])


def test_the_config_says_what_was_run(finished):
    config = json.loads((finished[0] / "config.json").read_text())
    assert [arm["name"] for arm in config["arms"]] == ["reference", "trim_reduces_cost"]
    assert [arm["env"]["trim_reduces_cost"] for arm in config["arms"]] == [False, True]
    assert config["seeds"] == [0, 1, 2]
    assert len(config["data"]["fingerprint"]) == 64
    assert {"jax", "numpy"} <= config["versions"].keys()


def test_an_existing_run_directory_is_refused_and_left_alone(finished, launch_here):
    run_dir, _ = finished
    before = sorted((path, path.stat().st_mtime_ns) for path in run_dir.rglob("*"))
    result = launch_here("--timesteps=1000", f"--run_dir={run_dir}", *SMALL, trains=True)
    assert_refused(result, str(run_dir), "exists")
    assert sorted((path, path.stat().st_mtime_ns) for path in run_dir.rglob("*")) == before


def test_ctrl_c_saves_and_the_printed_command_goes_on(tmp_path, bar_file, finished, launch_here):
    run_dir = tmp_path / "run"
    flags = ["--experiment=trim_trap", "--num_seeds=3", "--data_source=csv", f"--data_path={bar_file}"]
    flags += [f"--vix_path={bar_file.parent / 'vix.csv'}", f"--run_dir={run_dir}", *SMALL]
    command = [sys.executable, "-u", "launch.py", *flags, "--timesteps=1000000", "--checkpoints=70,500"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not process.stdout.readline().startswith("step 70:"):
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "SIGINT: finishing this update, then saving" in errors
    go_on = told.splitlines()[-1].partition("go on with: ")[2]
    assert go_on == invocation.resume_command(run_dir)
    assert "Traceback" not in errors
    again = launch_here("--resume", f"--run_dir={run_dir}", "--gamma=0.5", trains=True)
    assert_refused(again, "ppo.gamma was 0.92, now 0.5")
    assert_refused(launch_here(*flags, "--timesteps=1000000", trains=True), "exists already", "--resume")
    assert_refused(launch_here("--resume", f"--run_dir={tmp_path / 'none'}", trains=True), "none")


@pytest.mark.slow
def test_a_finished_run_is_made_longer(finished, launch_here, tmp_path):
    run_dir = tmp_path / "longer"
    shutil.copytree(finished[0], run_dir)
    command = (f"--run_dir={run_dir}", "--extend_to=1500", "--checkpoints=1200")
    # As advised where another value is refused; what defines random numbers is fixed, so that these change nothing.
    drawn_otherwise = {"JAX_DEFAULT_PRNG_IMPL": "rbg", "JAX_THREEFRY_PARTITIONABLE": "0", "JAX_RANDOM_SEED_OFFSET": "7"}
    result = launch(*command, JAX_ENABLE_X64="0", **drawn_otherwise)
    assert result.code == 0, result.err
    for words in ("IMPL=rbg is not used: every run is computed with threefry2x32", "PARTITIONABLE=0", "OFFSET=7"):
        assert words in result.out
    assert "resumed at step 1,024" in result.out
    steps = momentum_jax.load_run(run_dir).env_steps.values.tolist()
    assert steps == [0, 70, 500, 1_000, 1_024, 1_200, 1_500, 1_536]
    again = launch_here("--resume", f"--run_dir={run_dir}", trains=True)
    assert again.code == 0 and "finished already" in again.out


@pytest.mark.slow
def test_a_run_of_failed_seeds_alone_ends_with_an_exit_code_of_its_own(launch_here, tmp_path, bar_file):
    run_dir = tmp_path / "run"
    files = ["--data_source=csv", f"--data_path={bar_file}", f"--vix_path={bar_file.parent / 'vix.csv'}"]
    flags = [*files, "--num_seeds=2", "--group_width=3", "--timesteps=256", *SMALL]  # the program of `finished`
    ended = launch_here(*flags, f"--run_dir={run_dir}", "--learning_rate=1e3", trains=True, reports=True)
    assert ended.code == 4, ended.err
    assert "arm tune2: every seed has failed by step 64" in ended.out and "report:" in ended.out
    assert "nan" not in ended.out
    said = ended.err.strip().splitlines()[-1]
    assert said.startswith(f"launch.py: every seed of every arm has failed in {run_dir}: log.txt there says when")
    # Both remedies work.
    assert launch_here(*flags, f"--run_dir={tmp_path / 'lower'}", trains=True).code == 0
    again = ["--learning_rate=1e3", "--divergence_limit=1e30", f"--run_dir={tmp_path / 'higher'}"]
    assert launch_here(*flags, *again, trains=True).code == 0


def test_a_batch_file_is_written_instead_of_training(tmp_path):
    result = launch(f"--slurm={tmp_path / 'job.sbatch'}", "--slurm_nodes=2", f"--run_dir={tmp_path / 'run'}")
    assert result.code == 0, result.err
    assert result.out.strip() == f"written: sbatch {tmp_path / 'job.sbatch'}"
    assert "#SBATCH --nodes=2" in (tmp_path / "job.sbatch").read_text()
    assert not (tmp_path / "run").exists()


def assert_refused(result, *words):
    assert result.code == 2, result.out + result.err
    lines = result.err.strip().splitlines()
    assert len(lines) == 1, result.err
    for word in words:
        assert word in lines[0]


def test_a_mistake_costs_one_line_and_writes_nothing(tmp_path):
    run_dir = tmp_path / "run"
    assert_refused(launch("--experiment=tune9", f"--run_dir={run_dir}"), "tune9", "trim_trap")
    assert_refused(launch("--gamma=2", f"--run_dir={run_dir}"), "gamma=2")
    wrong = launch(f"--run_dir={run_dir}", JAX_NUMPY_DTYPE_PROMOTION="STRICT")
    assert_refused(wrong, "STRICT", "jax_numpy_dtype_promotion", "correct or unset the variable")
    assert not run_dir.exists()


def test_bad_data_is_refused_before_anything_compiles(tmp_path, bar_file, launch_here, monkeypatch):
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda *others, **options: pytest.fail("compiles"))
    run_dir = tmp_path / "run"
    lines = bar_file.read_text().splitlines()
    lines[57] = lines[57].replace("2024", "1999", 1)
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join(lines))
    files = [f"--vix_path={bar_file.parent / 'vix.csv'}", "--data_source=csv", f"--run_dir={run_dir}"]
    assert_refused(launch_here(f"--data_path={broken}", *files, trains=True), str(broken), "58")
    assert_refused(launch_here(f"--data_path={tmp_path / 'none.csv'}", *files, trains=True), "none.csv")
    none = launch_here(f"--data_path={bar_file}", "--intraday_days=1", "--start_date=2031-01-01", *files, trains=True)
    assert_refused(none, "2031")
    assert not run_dir.exists()


def test_help_is_readable():
    result = launch("--help")
    assert result.code == 0
    assert "--learning_rate" in result.out
    assert not result.err


def test_nothing_starts_jax_before_the_command_line_is_understood():
    program = "import sys, launch; sys.exit('jax' in sys.modules or 'gymnax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_a_run_is_opened_without_jax(finished):
    program = (
        "import sys, momentum_jax; momentum_jax.load_run(sys.argv[1]); from momentum_jax.analysis.report import build; "
        "build.write_report(sys.argv[1]); sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(finished[0])], cwd=ROOT).returncode == 0


def test_final_policies_are_stored_by_arm_and_layer(finished):
    policies = run_directory.load_policies(finished[0], "reference")
    assert policies["policy/dense_0/kernel"].shape == (3, 460, 16)
    assert policies["value/dense_1/bias"].shape == (3, 1)
    assert (policies["policy/dense_0/kernel"][0] != policies["policy/dense_0/kernel"][1]).any()
