"""`python -m momentum_jax.report`: what it writes, and one line and exit code 2 for what it refuses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import pytest

from momentum_jax.cli import report_command


def refused(capsys, *arguments) -> str:
    assert report_command.main([str(argument) for argument in arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("momentum_jax.report: ") and shown.err.count("\n") == 1
    return shown.err


def test_a_report_with_exports_and_event_files(simulate, one_figure, capsys):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed: pip install 'momentum_jax[tensorboard]'")
    run_dir = simulate(arms=("a",), num_seeds=2, steps=(0, 1_000))
    assert report_command.main([str(run_dir), "--tensorboard", "--export", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"report: {run_dir / 'report' / 'report.md'}"
    assert (run_dir / "report" / "exports" / "curves.csv").exists()
    assert list((run_dir / "report" / "tensorboard" / "a" / "seed_0").glob("events.out.tfevents.*"))


def test_two_runs_are_written_where_told(simulate, one_figure, tmp_path):
    runs = [simulate(arms=(arm,), num_seeds=2, steps=(0, 1_000), name=arm) for arm in ("a", "b")]
    assert report_command.main([*map(str, runs), "--out", str(tmp_path / "both")]) == 0
    assert "arms: a, b" in (tmp_path / "both" / "report.md").read_text()


def test_the_printed_command_makes_the_same_report_again(simulate, one_figure, tmp_path, monkeypatch):
    runs = [simulate(arms=(arm,), num_seeds=2, steps=(0, 1_000), name=f"run {arm}") for arm in ("a", "b")]
    monkeypatch.chdir(tmp_path)  # paths are given relative to where the command is run, with a space in them
    assert report_command.main([*(str(run.relative_to(tmp_path)) for run in runs), "--out", "both"]) == 0
    before = (tmp_path / "both" / "report.md").read_bytes()
    command = re.search(r"made again by: (python .*)", before.decode())[1]
    assert "'run a'" in command
    (tmp_path / "both" / "report.md").unlink()
    program, *arguments = shlex.split(command)
    assert program == "python" and arguments[:2] == ["-m", "momentum_jax.report"]
    assert report_command.main(arguments[2:]) == 0
    assert (tmp_path / "both" / "report.md").read_bytes() == before


def test_a_truncated_checkpoint_is_refused(simulate, capsys):
    run_dir = simulate(steps=(0, 1_000))
    path = run_dir / "diagnostics" / "step_00001000.npz"
    path.write_bytes(path.read_bytes()[:500])
    assert f"{path}: cut short or damaged" in refused(capsys, run_dir)


@pytest.mark.parametrize(
    ("content", "reason"),
    [('{"experiment": "x"', "half-written or not JSON"), ('{"hello": 1}', "config.json"), ("[]", "holds a list")],
)
def test_a_half_written_or_foreign_config_is_refused(simulate, capsys, content, reason):
    run_dir = simulate(steps=(0,))
    (run_dir / "config.json").write_text(content)
    assert str(run_dir / "config.json") in (line := refused(capsys, run_dir)) and reason in line


def test_a_newer_schema_is_refused_with_and_without_watch(simulate, capsys):
    run_dir = simulate(steps=(0,))
    path = run_dir / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    assert f"{path}:" in refused(capsys, run_dir)
    assert f"{path}:" in refused(capsys, run_dir, "--watch")


def test_a_foreign_file_among_the_checkpoints_is_refused(simulate, capsys):
    run_dir = simulate(steps=(0,))
    (run_dir / "diagnostics" / "notes.npz").touch()
    assert f"{run_dir / 'diagnostics' / 'notes.npz'}: not a checkpoint" in refused(capsys, run_dir)


def test_runs_on_other_data_are_refused(simulate, capsys):
    first, second = simulate(name="one", steps=(0, 1_000)), simulate(name="two", steps=(0, 1_000))
    path = second / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": {"fingerprint": "other"}}))
    assert f"{second}: data fingerprint other, unlike" in refused(capsys, first, second)


def test_the_module_runs_without_jax(tmp_path):
    command = [sys.executable, "-X", "importtime", "-m", "momentum_jax.report", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "not found, so" in done.stderr.splitlines()[-1]
    assert not any(line.split("|")[-1].strip() in ("jax", "jaxlib") for line in done.stderr.splitlines())
