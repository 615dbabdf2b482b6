"""Following a run that is going on."""

from __future__ import annotations

import json
import shutil

import pytest

from momentum_jax.analysis.report.live import watch
from momentum_jax.run_directory import RunDirectoryError

FOLLOWED = (0, 1_000, 10_000, 100_000)


def test_a_run_is_followed_until_its_last_checkpoint(simulate, one_figure, tmp_path):
    """Each checkpoint is put in place when the one before has been told of; nothing here goes by the clock."""
    whole = simulate(arms=("a",), num_seeds=2, steps=FOLLOWED, name="whole")
    going = tmp_path / "going"
    (going / "diagnostics").mkdir(parents=True)
    config = json.loads((whole / "config.json").read_text())
    (going / "config.json").write_text(json.dumps(config | {"checkpoints": FOLLOWED}))
    names = iter([f"step_{step:08d}.npz" for step in FOLLOWED])
    lines: list[str] = []

    def finish_next() -> None:
        if (name := next(names, None)) is not None:
            shutil.copy(whole / "diagnostics" / name, going / "diagnostics" / f".{name}.tmp")
            (going / "diagnostics" / f".{name}.tmp").rename(going / "diagnostics" / name)

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("step"):
            finish_next()

    finish_next()
    watch(going, 0, say, timeout=300)
    steps = [line.partition(" · ")[0] for line in lines if line.startswith("step")]
    assert steps == ["step 0", "step 1 000", "step 10 000", "step 100 000"]
    status = [line for line in lines if line.startswith("step")]
    assert status[-1].startswith("step 100 000 · a: P(HOLD) ") and status[-1].endswith("dips 2/2 · failed 0")
    # Drawn for the first checkpoint and at the end, and not again within the minute.
    assert [number for number, line in enumerate(lines) if line.startswith("report: ")] == [1, len(lines) - 1]
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
