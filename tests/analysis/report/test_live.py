"""Following a run that is going on."""

from __future__ import annotations

import shutil
import threading
import time

import pytest

from momentum_jax.analysis.report.live import watch
from momentum_jax.run_directory import RunDirectoryError
from tests.analysis.conftest import STEPS


def test_a_run_is_followed_until_its_last_checkpoint(simulate, tmp_path):
    whole = simulate(arms=("a",), num_seeds=2, name="whole")
    going = tmp_path / "going"
    (going / "diagnostics").mkdir(parents=True)
    shutil.copy(whole / "config.json", going)
    lines: list[str] = []
    follower = threading.Thread(target=watch, args=(going, 0.01, lines.append), kwargs={"timeout": 60})
    follower.start()
    for step in STEPS:
        name = f"step_{step:08d}.npz"
        shutil.copy(whole / "diagnostics" / name, going / "diagnostics" / f".{name}.tmp")
        (going / "diagnostics" / f".{name}.tmp").rename(going / "diagnostics" / name)
        time.sleep(0.01)
    follower.join(timeout=60)
    assert not follower.is_alive()
    status = [line for line in lines if line.startswith("step")]
    assert status[-1].startswith("step 100 000 · a: P(HOLD) ") and status[-1].endswith("dips 2/2 · failed 0")
    assert lines[-1] == f"report: {going / 'report' / 'report.md'}"
    assert "unfinished" not in (going / "report" / "report.md").read_text()


def test_following_can_end_before_the_first_checkpoint(simulate):
    run_dir = simulate(steps=())
    lines: list[str] = []
    watch(run_dir, 0.01, lines.append, timeout=0)
    assert lines == []


def test_only_a_run_directory_is_followed(tmp_path):
    with pytest.raises(RunDirectoryError, match=r"config\.json: not found"):
        watch(tmp_path, timeout=0)
