"""Whatever a kill or a full disk leaves is whole, and one process at a time writes to a run directory."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.fields import ConfigError
from momentum_jax.training.resume import compatibility
from tests.conftest import ROOT
from tests.training.resumable import SMALL
from tests.training.resumed_runs import assert_same_run, interrupt, train


def child(run_dir, *options):
    command = [sys.executable, "-m", "tests.training.resumable", str(run_dir), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def assert_readable(run_dir):
    """Whatever a kill left behind can be opened, or says that there is nothing yet."""
    if not (run_dir / "config.json").exists():
        return
    try:
        momentum_jax.load_run(run_dir)
    except run_directory.RunDirectoryError as error:
        assert "no checkpoint yet" in str(error)


def test_the_newest_two_states_are_kept_and_a_damaged_one_is_passed_over(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    interrupt(run_dir, 800)
    (newest, folder), (older, _) = run_directory.states(run_dir)
    assert newest > older
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    said = train(run_dir, resume=True)
    assert any("cannot be used" in line for line in said)
    assert f"resumed at step {older * SMALL.rollout_size:,}" in said
    assert_same_run(run_dir, uninterrupted)


@pytest.mark.parametrize("victim", ["step_00000700.npz", "update_00000008"])
def test_a_full_disk_is_told_at_once_and_what_is_saved_stays(tmp_path, monkeypatch, uninterrupted, victim):
    replace = os.replace

    def full(source, target, **options):
        if Path(target).name == victim:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        replace(source, target, **options)

    monkeypatch.setattr(os, "replace", full)
    run_dir = tmp_path / "run"
    with pytest.raises(
        compatibility.WriteError, match=rf"{victim}: No space left on device; the state after update \d+ is kept"
    ):
        train(run_dir)
    assert not list(run_dir.rglob("*.tmp"))
    monkeypatch.setattr(os, "replace", replace)
    train(run_dir, resume=True)
    assert_same_run(run_dir, uninterrupted)


def test_a_disk_too_small_is_told_before_training(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=200_000))
    with pytest.raises(ConfigError, match=r"need at least \d\.\d MB of disk, and 0\.2 MB are free"):
        train(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_kills_within_writes_lose_nothing(tmp_path, uninterrupted):
    """Before a checkpoint is renamed, before a state is, and while an old state is being removed."""
    run_dir = tmp_path / "run"
    for at in ("replace,9", "replace,25", "rmtree,3"):
        result = child(run_dir, f"--at={at}")
        assert result.returncode == -signal.SIGKILL, result.stderr
        assert list(run_dir.rglob("*.tmp"))
        written = set(run_directory.complete_steps(run_dir))
        assert_readable(run_dir)
    train(run_dir, resume=True)
    assert written <= set(run_directory.complete_steps(run_dir))
    assert not list(run_dir.rglob("*.tmp"))
    assert_same_run(run_dir, uninterrupted)


@pytest.mark.slow
def test_twenty_kills_at_random_moments_lose_nothing(tmp_path, uninterrupted):
    draw = random.Random(20_251_217)
    kills = run = 0
    while kills < 20:
        run_dir, run = tmp_path / f"run-{run}", run + 1
        result = child(run_dir, f"--after={draw.uniform(0.0, 1.0)}")
        while result.returncode != 0:
            assert result.returncode == -signal.SIGKILL, result.stderr
            kills += 1
            assert_readable(run_dir)
            result = child(run_dir, *([f"--after={draw.uniform(0.0, 1.0)}"] if kills < 20 else []))
        assert_same_run(run_dir, uninterrupted)


def test_a_second_launch_into_a_run_directory_is_refused(tmp_path):
    run_dir = tmp_path / "run"
    interrupt(run_dir, 200)
    with run_directory.locked(run_dir):
        result = child(run_dir)
        assert f"in use by pid {os.getpid()} on {socket.gethostname()}" in result.stderr
        with pytest.raises(run_directory.RunDirectoryError, match="in use by pid"):
            run_directory.create_run(run_dir, json.loads((run_dir / "config.json").read_text()))
    train(run_dir, resume=True)
    assert not (run_dir / "lock").exists()


def test_a_killed_holder_leaves_no_lock(tmp_path):
    program = (
        "import os, signal, sys; from momentum_jax import run_directory\n"
        "with run_directory.locked(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)"
    )
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    assert result.returncode == -signal.SIGKILL
    assert (tmp_path / "lock").exists()
    with run_directory.locked(tmp_path):
        assert (tmp_path / "lock").read_text().startswith(f"pid {os.getpid()} on ")
