"""Two processes train one run: as one process would, bit for bit; one that dies ends the job, and it can go on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.variables import table
from momentum_jax.fields import ConfigError
from momentum_jax.processes.distributed import Job
from momentum_jax.run_directory import diagnostics_of
from momentum_jax.training import runner
from tests.conftest import ROOT
from tests.training.resumable import make_evaluated
from tests.training.resumed_runs import assert_same_run, made_up_market, train, uninterrupted  # noqa: F401 (fixtures)


def train_together(run_dir, *options_of_second, run="market"):
    """Run both processes to their ends; returns [(exit code, stdout, stderr)]."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "tests.training.resumable", str(run_dir), f"--run={run}"]
    processes = [
        subprocess.Popen(
            [*command, f"--peer={index},{port}", *options],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for index, options in enumerate(((), options_of_second))
    ]
    told = [process.communicate(timeout=300) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, told, strict=True)]


@pytest.mark.slow
def test_two_processes_equal_one_bit_for_bit(tmp_path, uninterrupted):  # noqa: F811
    run_dir = tmp_path / "run"
    results = train_together(run_dir)
    assert [code for code, _, _ in results] == [0, 0], results
    assert_same_run(run_dir, uninterrupted)
    assert run_directory.is_finished(run_dir)
    assert momentum_jax.load_run(run_dir).seed.values.tolist() == [0, 1, 2]
    names = {path.name for path in run_dir.iterdir()}
    assert {"log.txt", "log.1of2.txt"} <= names
    assert not names & {"lock", "lock.1of2"}
    with pytest.raises(ConfigError, match="num_processes was 2, now 1"):
        train(run_dir, resume=True)


@pytest.mark.slow
def test_two_processes_evaluate_and_normalize_as_one_does(tmp_path):
    results = train_together(tmp_path / "run", run="evaluated")
    assert [code for code, _, _ in results] == [0, 0], results
    train(tmp_path / "alone", make_evaluated())
    together, alone = (momentum_jax.load_run(tmp_path / name) for name in ("run", "alone"))
    for name in table(diagnostics_of(alone)):
        np.testing.assert_array_equal(together[name], alone[name], err_msg=name)
    policies = [momentum_jax.load_policies(tmp_path / name, "a") for name in ("run", "alone")]
    assert policies[0].keys() == policies[1].keys() and "reward_deviation" in policies[0]
    for name, array in policies[1].items():
        np.testing.assert_array_equal(policies[0][name], array, err_msg=name)
    sampled = alone.eval_return.sel(arm="a", evaluated="sampled")
    assert len(np.unique(sampled.isel(checkpoint=0))) == 3 and (alone.eval_return_se > 0).any()


@pytest.mark.slow
def test_a_process_that_dies_ends_the_job_and_the_run_goes_on(tmp_path, uninterrupted):  # noqa: F811
    run_dir = tmp_path / "run"
    (code, _, errors), (killed, _, _) = train_together(run_dir, "--at=replace,9")
    assert killed == -signal.SIGKILL
    assert code == 3, errors
    assert "process 1 of 2 has died: the run stops; what is written is kept, resume with" in errors
    assert "Traceback" not in errors
    assert not run_directory.is_finished(run_dir)
    assert run_directory.states(run_dir, run_directory.Share(0, 2))
    assert [code for code, _, _ in train_together(run_dir)] == [0, 0]
    assert_same_run(run_dir, uninterrupted)


def test_each_process_needs_a_seed(tmp_path):
    config = RunConfig(experiment="few", arms=(Arm(name="a"),), num_seeds=1)
    with pytest.raises(ConfigError, match="num_seeds=1 is less than 2 processes"):
        runner.train(config, tmp_path / "run", job=Job(count=2))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_are_contiguous_and_even(count):
    shares = [run_directory.Share(index, count).of(range(7)) for index in range(count)]
    assert [seed for share in shares for seed in share] == list(range(7))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
