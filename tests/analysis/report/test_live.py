"""Following a run that is going on."""

from __future__ import annotations

import json
import re
import shutil
from types import SimpleNamespace

import pytest

from momentum_jax.analysis.report import live
from momentum_jax.analysis.report.live import watch
from momentum_jax.run_directory import RunDirectoryError

FOLLOWED = (0, 1_000, 10_000, 100_000)


def test_a_run_is_followed_until_its_last_checkpoint(simulate, one_figure, tmp_path, monkeypatch):
    """Each checkpoint is put in place when the one before has been told of; nothing here goes by the clock."""
    whole = simulate(arms=("a",), num_seeds=2, steps=FOLLOWED, name="whole")
    going = tmp_path / "going"
    (going / "diagnostics").mkdir(parents=True)
    config = json.loads((whole / "config.json").read_text())
    (going / "config.json").write_text(json.dumps(config | {"checkpoints": FOLLOWED}))
    names = iter([f"step_{step:08d}.npz" for step in FOLLOWED])
    lines: list[str] = []
    looks = iter(FOLLOWED)  # one for each checkpoint: a second look at the same ends the test
    clock = SimpleNamespace(sleep=lambda seconds: next(looks), monotonic=lambda: 61.0 * ("step 10" in "".join(lines)))
    monkeypatch.setattr(live, "time", clock)

    def finish_next() -> None:
        if (name := next(names, None)) is not None:
            shutil.copy(whole / "diagnostics" / name, going / "diagnostics" / f".{name}.tmp")
            (going / "diagnostics" / f".{name}.tmp").rename(going / "diagnostics" / name)

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("step"):
            finish_next()

    finish_next()
    watch(going, say=say)
    # The report is drawn for the first checkpoint, again after a minute, and at the end.
    drawn = ["step 0", "report", "step 1 000", "step 10 000", "report", "step 100 000", "report"]
    assert [re.split(" · |:", line)[0] for line in lines] == drawn
    assert lines[-2].startswith("step 100 000 · a: P(HOLD) ") and lines[-2].endswith("dips 2/2 · failed 0")
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
