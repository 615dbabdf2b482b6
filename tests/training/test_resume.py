"""A run that ends early goes on to the same bits; whatever was written is whole; what cannot go on says why."""

from __future__ import annotations

import dataclasses
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

import numpy as np
import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.diagnostics import probes
from momentum_jax.diagnostics.variables import VARIABLES
from momentum_jax.fields import ConfigError
from momentum_jax.market.dataset import Dataset
from momentum_jax.processes.interruption import Interrupted
from momentum_jax.training import runner
from momentum_jax.training.engine import default_layout
from momentum_jax.training.manifest import describe
from momentum_jax.training.resume import compatibility
from tests.conftest import ROOT
from tests.markets import make_segment
from tests.training.resumable import ARMS, SMALL, make_config


@pytest.fixture(autouse=True)
def made_up_market(monkeypatch):
    monkeypatch.setattr(runner, "load_dataset", lambda config: Dataset([make_segment()], []))


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


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The whole run in one go."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "load_dataset", lambda config: Dataset([make_segment()], []))
        train(run_dir)
    return run_dir


def assert_same_run(one, other):
    a, b = momentum_jax.load_run(one), momentum_jax.load_run(other)
    assert a.env_steps.values.tolist() == b.env_steps.values.tolist()
    for name in VARIABLES:
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=name)
    for arm in a.arm.values:
        ours, theirs = momentum_jax.load_policies(one, arm), momentum_jax.load_policies(other, arm)
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)


@pytest.mark.parametrize("step", [300, 1_300])
def test_a_run_stopped_by_ctrl_c_goes_on_to_the_same_bits(tmp_path, uninterrupted, step):
    interrupt(tmp_path / "run", step)
    assert not run_directory.is_finished(tmp_path / "run")
    said = train(tmp_path / "run", resume=True)
    assert any(line.startswith("resumed at step") for line in said)
    assert run_directory.is_finished(tmp_path / "run")
    assert_same_run(tmp_path / "run", uninterrupted)
    assert len(trained(tmp_path / "run")) == 2
    assert sum(trained(tmp_path / "run")) == sum(trained(uninterrupted))


def trained(run_dir) -> list[int]:
    """Environment steps of each session, as the log has them."""
    lines = (run_dir / "log.txt").read_text().splitlines()
    return [int(line.split()[1].replace(",", "")) for line in lines if line.startswith("trained")]


def test_several_stops_and_other_groups_change_nothing(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    interrupt(run_dir, 200)
    interrupt(run_dir, 700, make_config(group_width=(2,)), resume=True)
    interrupt(run_dir, 900, make_config(num_devices=1, group_width=(4,)), resume=True)
    train(run_dir, resume=True)
    assert_same_run(run_dir, uninterrupted)


def test_states_are_saved_no_more_often_than_asked(tmp_path):
    train(tmp_path / "run", make_config(state_interval=3_600.0))
    assert [update for update, _ in run_directory.states(tmp_path / "run")] == [24]  # the last alone


def test_a_run_that_never_saved_starts_anew(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    interrupt(run_dir, 200)
    for _, folder in run_directory.states(run_dir):
        os.rename(folder, tmp_path / folder.name)
    train(run_dir, resume=True)
    assert_same_run(run_dir, uninterrupted)


def test_arms_in_programs_of_their_own_resume_too(tmp_path):
    wide = dataclasses.replace(ARMS[0], name="wide", ppo=dataclasses.replace(SMALL, hidden_sizes=(8, 8), num_envs=2))
    narrow = dataclasses.replace(ARMS[0], ppo=dataclasses.replace(SMALL, num_envs=2))
    config = dataclasses.replace(make_config(timesteps=700, checkpoints=(200, 330)), arms=(narrow, wide))
    train(tmp_path / "whole", config)
    interrupt(tmp_path / "run", 330, config)
    train(tmp_path / "run", config, resume=True)
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_a_longer_run_passes_through_the_shorter_one(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    short = make_config(timesteps=500, checkpoints=(100, 200, 300, 400))
    train(run_dir, short)
    longer = short.extended(1_500, range(100, 1_500, 100))
    assert longer.planned_checkpoints == (*range(0, 600, 100), 512, *range(600, 1_600, 100), 1_536)
    train(run_dir, longer, resume=True)
    found, whole = momentum_jax.load_run(run_dir), momentum_jax.load_run(uninterrupted)
    assert run_directory.read_config(run_dir)["timesteps"] == 1_500
    np.testing.assert_array_equal(found.p_action.sel(checkpoint=found.env_steps != 512), whole.p_action)
    np.testing.assert_array_equal(found.flat_count.sum("checkpoint"), whole.flat_count.sum("checkpoint"))
    assert run_directory.is_finished(run_dir)


def test_a_finished_run_has_nothing_to_resume(tmp_path, uninterrupted):
    before = {path: path.stat().st_mtime_ns for path in uninterrupted.rglob("*.npz")}
    assert "finished already" in train(uninterrupted, resume=True)[0]
    assert before == {path: path.stat().st_mtime_ns for path in uninterrupted.rglob("*.npz")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_seeds": 4}, "seeds"),
        ({"fixed_streams": ("init",)}, "fixed_streams"),
        ({"timesteps": 1_400, "checkpoints": ()}, "timesteps was 1500, now 1400"),
        (
            {"arms": (dataclasses.replace(ARMS[0], ppo=dataclasses.replace(SMALL, gamma=0.5)), ARMS[1])},
            "gamma was 0.92, now 0.5",
        ),
        (
            {
                "arms": tuple(
                    dataclasses.replace(a, ppo=dataclasses.replace(SMALL, matmul_precision="tf32")) for a in ARMS
                )
            },
            r"arms\[0\].ppo.matmul_precision was float32, now tf32",
        ),
    ],
)
def test_changed_settings_are_refused_with_the_difference(tmp_path, change, words):
    interrupt(tmp_path / "run", 200)
    config = dataclasses.replace(make_config(), **change)
    with pytest.raises(ConfigError, match=words):
        train(tmp_path / "run", config, resume=True)


def test_changed_data_is_refused_with_the_difference(tmp_path, monkeypatch):
    interrupt(tmp_path / "run", 200)
    monkeypatch.setattr(runner, "load_dataset", lambda config: Dataset([make_segment(seed=1)], []))
    with pytest.raises(ConfigError, match=r"data\.fingerprint was "):
        train(tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("novelty",), r"config\.json has unknown \['novelty'\]"),
        (("arms", 0, "ppo", "novelty"), r"PPOConfig has unknown fields \['novelty'\]"),
    ],
)
def test_a_run_of_a_newer_version_is_refused_with_that_version(tmp_path, uninterrupted, place, words):
    run_dir = tmp_path / "run"
    shutil.copytree(uninterrupted, run_dir)
    config = run_directory.read_config(run_dir)
    assert config["versions"]["momentum_jax"] == momentum_jax.__version__
    config["versions"]["momentum_jax"] = "9.1.0"
    owner = config
    for step in place[:-1]:
        owner = owner[step]
    owner[place[-1]] = 1
    run_directory.replace_config(run_dir, config)
    with pytest.raises(ConfigError, match=rf"{words}: momentum_jax 9\.1\.0 wrote it .* resume it with that"):
        train(run_dir, resume=True)


def test_a_run_of_an_older_version_goes_on(tmp_path, uninterrupted):
    """What was not recorded yet has its default's meaning; the width of all groups was one number."""
    run_dir = tmp_path / "run"
    shutil.copytree(uninterrupted, run_dir)
    config = run_directory.read_config(run_dir)
    for name in ("jax_settings", "probe_draw", "num_processes", "claims", "fixed_streams"):
        del config[name]
    del config["data"]["regime"], config["market"]["vix_timing"], config["versions"]["momentum_jax"]
    for arm in config["arms"]:
        del arm["ppo"]["matmul_precision"], arm["env"]["decision_time_setup"], arm["redrawn_streams"]
    config["group_width"] = 3
    run_directory.replace_config(run_dir, config)
    assert "finished already" in train(run_dir, resume=True)[0]
    assert compatibility.stored_run(run_dir).group_width == (3,)


def test_a_run_whose_probe_states_were_drawn_otherwise_is_refused(tmp_path, monkeypatch, uninterrupted):
    """Several segments: each one's last bar was drawn too before the draw was recorded."""
    shutil.copytree(uninterrupted, tmp_path / "run")
    config = run_directory.read_config(tmp_path / "run")
    assert config.pop("probe_draw") == 1  # one segment: the same draw as ever
    run_directory.replace_config(tmp_path / "run", config)
    assert "finished already" in train(tmp_path / "run", resume=True)[0]
    several = [make_segment(), make_segment()]
    assert describe(make_config(), Dataset(several, []), [default_layout(1)])["probe_draw"] == 2
    monkeypatch.setattr(probes, "draw_version", lambda num_segments: 2)
    with pytest.raises(ConfigError, match="drew its probe states otherwise: resume it with that version, or begin"):
        train(tmp_path / "run", resume=True)


def test_an_annealed_run_is_not_made_longer():
    annealed = dataclasses.replace(ARMS[0], ppo=dataclasses.replace(SMALL, anneal_learning_rate=True))
    with pytest.raises(ConfigError, match="anneals"):
        dataclasses.replace(make_config(), arms=(annealed,)).extended(3_000)


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


def test_kills_within_writes_lose_nothing(tmp_path, uninterrupted):
    """Before a checkpoint is renamed, before a state is, and while an old state is being removed."""
    run_dir = tmp_path / "run"
    for at in ("replace,9", "replace,25", "rmtree,3"):
        result = child(run_dir, f"--at={at}")
        assert result.returncode == -signal.SIGKILL, result.stderr
        assert list(run_dir.rglob("*.tmp"))
        written = set(run_directory.complete_steps(run_dir))
        assert_readable(run_dir)
    result = child(run_dir)
    assert result.returncode == 0, result.stderr
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
        "import os, signal, sys; from momentum_jax.run_directory import locked\n"
        "with locked(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)"
    )
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    assert result.returncode == -signal.SIGKILL
    assert (tmp_path / "lock").exists()
    with run_directory.locked(tmp_path):
        assert (tmp_path / "lock").read_text().startswith(f"pid {os.getpid()} on ")
