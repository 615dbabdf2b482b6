"""What can end a launch early: signals at every stage, a terminal that is gone, a disk that is full."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import subprocess
import sys

import pytest

from momentum_jax import run_directory
from momentum_jax.analysis.report import build, terminal
from momentum_jax.cli import command_line
from momentum_jax.env import registry
from momentum_jax.market.dataset import Dataset
from momentum_jax.processes import invocation
from momentum_jax.training import runner
from tests.cli.launch_fixture import launch  # noqa: F401 (a fixture)
from tests.conftest import ROOT
from tests.markets import make_segment

SMALL = ["--num_steps=64", "--minibatch_size=32", "--num_epochs=2", "--hidden_sizes=16", "--num_seeds=2"]
SMALL += ["--group_width=3"]  # the program of test_runner.py, which is compiled once for both
RUN = [*SMALL, "--timesteps=320", "--checkpoints=100,200", "--state_interval=0", "--run_dir=run"]
NOTHING = "nothing has been written; the same command starts again"


@pytest.fixture(autouse=True)
def made_up_market(monkeypatch):
    monkeypatch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment()], []))


def signalled(monkeypatch, owner, name, number=signal.SIGINT):
    """Let a signal come when a function is called."""
    real = getattr(owner, name)

    def called(*arguments, **keywords):
        monkeypatch.setattr(owner, name, real)
        os.kill(os.getpid(), number)
        return real(*arguments, **keywords)

    monkeypatch.setattr(owner, name, called)


STAGES = {
    "flags": (command_line, "parse", NOTHING),
    "data": (registry, "load_dataset", NOTHING),
    "compiling": (runner, "Fleet", "run holds no state yet; go on with: "),
    "policies": (run_directory, "write_policy", "run holds the state after update 5; go on with: "),
    "tables": (terminal, "summary", "run is finished, its report is not: "),
    "report": (build, "write_report", "run is finished, its report is not: "),
}


@pytest.mark.parametrize(
    ("stage", "number"), [*((stage, signal.SIGINT) for stage in STAGES), ("compiling", signal.SIGTERM)]
)
def test_a_signal_costs_one_line_that_says_what_is_kept(launch, tmp_path, monkeypatch, stage, number):  # noqa: F811
    owner, name, words = STAGES[stage]
    signalled(monkeypatch, owner, name, number)
    ended = launch(*RUN, trains=True, reports=True)
    assert ended.code == 128 + number
    assert ended.err.startswith(f"launch.py: {signal.Signals(number).name}: ")
    assert ended.err.count("\n") == 1 and words in ended.err
    assert (tmp_path / "run").exists() is (words != NOTHING)
    if "go on with" in words:  # the advice works
        program, script, *again = shlex.split(ended.err.partition("go on with: ")[2])
        assert (program, script) == (invocation.python(), str(ROOT / "launch.py"))
        assert launch(*again, trains=True).code == 0
        assert run_directory.is_finished(tmp_path / "run")


def test_a_directory_that_was_there_before_is_not_taken_for_the_stopped_run(launch, tmp_path, monkeypatch):  # noqa: F811
    (tmp_path / "run").mkdir()
    signalled(monkeypatch, registry, "load_dataset")
    ended = launch(*RUN, trains=True)
    assert (ended.code, "exists already" in ended.err) == (2, True)  # refused before bars are loaded


def test_a_second_ctrl_c_stops_at_once_and_the_saved_state_is_named(launch, tmp_path, monkeypatch):  # noqa: F811
    real = run_directory.write_checkpoint

    def twice(run_dir, step, *others):
        real(run_dir, step, *others)
        if step == 200:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(run_directory, "write_checkpoint", twice)
    ended = launch(*RUN, trains=True)
    assert ended.code == 130
    assert re.search(r"run holds the state after update \d; go on with: ", ended.err)


def test_a_study_goes_on_with_its_own_line(launch, tmp_path, monkeypatch):  # noqa: F811
    line = ["--study=early_dip", "--parts=several_envs", "--run_dir=studied", *SMALL[1:], "--timesteps=3000"]
    signalled(monkeypatch, runner, "Fleet", signal.SIGTERM)
    ended = launch(*line, trains=True)
    assert ended.code == 143
    assert f"go on with: cd {tmp_path} && {invocation.launch_command(*line)}" in ended.err


def test_where_the_exception_gets_lost_the_next_signal_ends_the_process():
    program = (
        "import contextlib, os, signal; from momentum_jax.processes import interruption\n"
        "with interruption.guard('launch.py', lambda: 'nothing is lost'):\n"
        "    for _ in range(2):\n"
        "        with contextlib.suppress(BaseException): os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (143, "launch.py: SIGTERM: nothing is lost\n")


def test_ctrl_c_while_modules_are_loading_costs_one_line():
    program = (
        "import os, signal, sys, launch\n"
        "class Finder:\n"
        "    def find_spec(self, name, *others):\n"
        "        if name == 'experiments': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder()); launch.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    words = "launch.py: stopped before anything was begun; the same command starts again (SIGINT)\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", words)


def test_nobody_reading_does_not_end_training_and_is_no_full_disk(tmp_path, monkeypatch):
    def gone(line):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    runner.train(cli_config(), tmp_path / "run", gone)
    assert run_directory.is_finished(tmp_path / "run")
    assert "step 320" in (tmp_path / "run" / "log.txt").read_text()


def cli_config():
    import experiments

    return command_line.parse(["launch.py", *RUN], experiments.load, experiments.names()).config


def test_a_report_that_cannot_be_written_does_not_hide_the_run(launch, tmp_path, monkeypatch):  # noqa: F811
    def full(run_dir):
        raise OSError(errno.ENOSPC, "No space left on device", "report.md")

    monkeypatch.setattr(build, "write_report", full)
    ended = launch(*RUN, trains=True, reports=True)
    assert ended.code == 1
    assert "report.md: No space left on device; the run is finished, its report is not: " in ended.err
    assert f"-m momentum_jax.report {tmp_path / 'run'}" in ended.err


@pytest.mark.slow
def test_a_closed_pipe_a_lost_terminal_and_ascii_leave_the_run_alone(tmp_path):
    """One process for the three: its terminal knows ASCII, its reader goes away, and the terminal is lost."""
    line = [sys.executable, "-u", "launch.py", *RUN[:-1], f"--run_dir={tmp_path / 'run'}", "--data_source=csv"]
    line += bar_flags(tmp_path)
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    with subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        assert process.wait(timeout=300) == 0, errors
    assert first.startswith("tune2: 1 arm(s) x 2 seeds x 320 steps")
    assert errors == ""
    assert run_directory.is_finished(tmp_path / "run") and (tmp_path / "run" / "report" / "report.md").exists()


def bar_flags(folder) -> list[str]:
    """Made-up bars in two files of the folder, as flags with relative names."""
    import pandas as pd

    segment = make_segment(900)
    bars = pd.DataFrame(segment.bars, columns=["open", "high", "low", "close", "volume"])
    bars.insert(0, "datetime", pd.to_datetime(segment.bar_time_ns))
    bars.to_csv(folder / "bars.csv", index=False)
    vix = pd.DataFrame({"DATE": pd.to_datetime(segment.vix_date_ns), "CLOSE": segment.vix_close})
    vix.to_csv(folder / "vix.csv", index=False)
    return [f"--data_path={folder / 'bars.csv'}", f"--vix_path={folder / 'vix.csv'}"]


def test_help_into_a_pipe_that_closes_prints_no_traceback():
    line = f"{shlex.join([sys.executable, 'launch.py', '--help'])} | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.splitlines()[1:] == ["0"] and ended.stderr == ""


@pytest.mark.slow
def test_the_printed_command_works_from_anywhere(launch, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    flags = [word.replace(f"{tmp_path}/", "") for word in bar_flags(tmp_path)]
    assert flags[0] == "--data_path=bars.csv"
    signalled(monkeypatch, run_directory, "write_policy")
    odd = "odd 'name' & more"
    ended = launch(*RUN[:-1], f"--run_dir={odd}", "--data_source=csv", *flags, trains=True)
    command = ended.err.strip().partition("go on with: ")[2]
    again = subprocess.run(["bash", "-c", command], cwd="/", capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert run_directory.is_finished(tmp_path / odd)
    report_line = invocation.report_command(tmp_path / odd)
    (tmp_path / odd / "report" / "report.md").unlink()
    subprocess.run(["bash", "-c", report_line], cwd="/", check=True, capture_output=True)
    assert (tmp_path / odd / "report" / "report.md").exists()
