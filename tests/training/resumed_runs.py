"""Runs that end early and go on, with the fixtures of tests that compare them; import fixtures by name."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

import momentum_jax
from momentum_jax.diagnostics.variables import table
from momentum_jax.env import registry
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.market.dataset import Dataset
from momentum_jax.processes.interruption import Interrupted
from momentum_jax.training import runner
from tests.markets import make_segment
from tests.training.resumable import make_config


@pytest.fixture(autouse=True)
def made_up_market(monkeypatch):
    """The runner trains on a made-up market."""
    monkeypatch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment()], []))


def train(run_dir, config=None, stop_at=None, **options):
    """Train in this process; `stop_at` sends Ctrl-C when the checkpoint at that step is told of."""
    said = []

    def say(line):
        said.append(line)
        if stop_at is not None and line.startswith(f"step {stop_at:,}:".replace(",", " ")):
            os.kill(os.getpid(), signal.SIGINT)

    runner.train(config or make_config(), Path(run_dir), say, **options)
    return said


def interrupt(run_dir, step, config=None, **options):
    with pytest.raises(Interrupted, match=r"--resume --run_dir=") as caught:
        train(run_dir, config, stop_at=step, **options)
    assert caught.value.exit_code == 130


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """The whole run in one go."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment()], []))
        train(run_dir)
    return run_dir


def assert_same_run(one, other):
    a, b = momentum_jax.load_run(one), momentum_jax.load_run(other)
    assert a.env_steps.values.tolist() == b.env_steps.values.tolist()
    for name in table(MOMENTUM):
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=name)
    for arm in a.arm.values:
        ours, theirs = momentum_jax.load_policies(one, arm), momentum_jax.load_policies(other, arm)
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def trained(run_dir) -> list[int]:
    """Environment steps of each session, as the log has them."""
    lines = (run_dir / "log.txt").read_text().splitlines()
    return [int(line.split()[1].replace(",", "")) for line in lines if line.startswith("trained")]
