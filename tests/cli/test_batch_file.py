"""The batch file for Slurm, read by bash and run with stand-ins for srun, scontrol and the program."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from momentum_jax.cli import batch_file
from momentum_jax.cli.batch_file import SlurmConfig
from momentum_jax.fields import ConfigError

FULL = SlurmConfig(
    slurm="run.sbatch",
    slurm_nodes=3,
    slurm_tasks_per_node=2,
    slurm_gpus_per_task=4,
    slurm_cpus_per_task=7,
    slurm_time="1-12:00:00",
    slurm_partition="gpu long",
    slurm_account="lab's own",
    slurm_stop_seconds=90,
    slurm_setup="module load cuda",
    slurm_directives=("--mem=32G", "--exclude=a,b"),
)


def text_of(
    config: SlurmConfig = FULL, arguments: tuple[str, ...] = ("--num_seeds=8",), run_dir: str = "runs/a"
) -> str:
    config.validate()
    return batch_file.script(config, arguments, Path(run_dir), Path("launch.py"), python="/opt/python 3/bin/python")


def directives(text: str) -> list[str]:
    """The options as sbatch reads them: it takes quotes like a shell."""
    lines = [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")]
    return [word for line in lines for word in shlex.split(line)]


def test_every_setting_shows():
    text = text_of()
    found = directives(text)
    expected = "--nodes=3 --ntasks-per-node=2 --gpus-per-task=4 --cpus-per-task=7 --time=1-12:00:00 --signal=TERM@90"
    assert {*expected.split(), "--requeue", "--mem=32G", "--exclude=a,b", "--open-mode=append"} <= set(found)
    assert {"--partition=gpu long", "--account=lab's own", "--job-name=a"} <= set(found)
    assert "\nmodule load cuda || exit\n" in text
    for field in dataclasses.fields(SlurmConfig):
        if field.name != "slurm":  # the path: see below
            assert text_of(dataclasses.replace(FULL, **{field.name: field.default})) != text, field.name


def test_what_is_not_given_is_left_to_the_cluster():
    names = [line.split("=")[0] for line in directives(text_of(SlurmConfig(slurm="x")))]
    assert names == ["--job-name", "--output", "--open-mode", "--nodes", "--ntasks-per-node", "--signal", "--requeue"]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder to run in, whose srun runs two tasks and whose program notes its arguments and ends as asked."""
    stand_ins = {
        "srun": 'shift_options() { while [[ $1 == --* ]]; do shift; done; "$@"; }\n'
        'for task in 0 1; do SLURM_PROCID=$task shift_options "$@" || code=$?; done\nexit ${code:-0}',
        "scontrol": 'echo "$@" > requeued',
        "python": 'printf "%s\\n" "$SLURM_PROCID" "$@" >> called\n'
        'mkdir -p "$RUN"\ntouch "$RUN/config.json"\nexit $CODE',
    }
    for name, body in stand_ins.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    return tmp_path


def run(path: Path, run_dir: Path, code: int, folder: Path) -> tuple[int, list[list[str]], bool]:
    """Run a batch file elsewhere; returns its exit code, each task's arguments and whether it was queued again."""
    called, requeued = folder / "called", folder / "requeued"
    for note in (called, requeued):
        note.unlink(missing_ok=True)
    environment = os.environ | {"RUN": str(run_dir), "CODE": str(code)}
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
    ended = subprocess.run(["bash", str(path)], env=environment, cwd="/", check=False).returncode
    lines = called.read_text().splitlines()
    half = len(lines) // 2
    assert (lines[0], lines[half]) == ("0", "1")
    return ended, [lines[1:half], lines[half + 1 :]], requeued.exists() and requeued.read_text() == "requeue 77\n"


@pytest.mark.parametrize("name", ["tune2", "odd $(touch hacked) 'name' \"100%\" ; é"])
def test_a_job_starts_saves_goes_on_and_ends(site: Path, name: str):
    run_dir = site / "runs" / name
    arguments = ["--experiment=tune2", "--slurm", "jobs/a.sbatch", f"--data={name}", "--slurm-nodes=2", "--run_dir=x"]
    config = SlurmConfig(slurm="jobs/a.sbatch", slurm_nodes=2, slurm_cpus_per_task=3)
    path = batch_file.write_script(config, arguments, run_dir, Path("launch.py"), python="python")
    assert path == site / "jobs" / "a.sbatch"
    assert run_dir.parent.is_dir() and not run_dir.exists()  # Slurm makes no folder for the log
    expected = [
        str(site / "launch.py"),
        "--experiment=tune2",
        f"--data={name}",
        f"--run_dir={run_dir}",
        "--distributed",
    ]
    assert run(path, run_dir, 143, site) == (143, [expected, expected], True)
    assert run(path, run_dir, 0, site) == (0, [[*expected, "--resume"]] * 2, False)
    assert run(path, run_dir, 2, site) == (2, [[*expected, "--resume"]] * 2, False)
    assert not (site / "hacked").exists()
    assert f"--output={str(run_dir).replace('%', '%%')}.%j.log" in directives(path.read_text())


def test_a_setup_that_fails_ends_the_job(site: Path):
    config = SlurmConfig(slurm="a.sbatch", slurm_setup="false")
    path = batch_file.write_script(config, [], site / "a", Path("launch.py"), python="python")
    assert subprocess.run(["bash", str(path)], check=False).returncode == 1
    assert not (site / "called").exists()


def test_flags_about_slurm_are_left_out():
    arguments = [
        "--slurm=a",
        "--slurm_time",
        "10",
        "--resume",
        "--noresume",
        "--seed_x=1",
        "--model-name=b",
        "--gamma",
        "1",
    ]
    line = next(line for line in text_of(arguments=tuple(arguments)).splitlines() if line.startswith("srun"))
    assert line.rstrip("\\ ").endswith("launch.py --seed_x=1 --gamma 1")


def test_a_file_with_another_content_is_kept(site: Path):
    config = SlurmConfig(slurm="a.sbatch")
    path = batch_file.write_script(config, ["--num_seeds=8"], Path("a"), Path("launch.py"))
    before = path.read_bytes()
    assert batch_file.write_script(config, ["--num_seeds=8"], Path("a"), Path("launch.py")) == path
    with pytest.raises(ConfigError, match=r"a\.sbatch: exists with another content"):
        batch_file.write_script(config, ["--num_seeds=9"], Path("a"), Path("launch.py"))
    assert path.read_bytes() == before
    (site / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        batch_file.write_script(SlurmConfig(slurm="file/a.sbatch"), [], Path("a"), Path("launch.py"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"slurm_nodes": 0}, "slurm_nodes=0 is too small"),
        ({"slurm_time": "tomorrow"}, "slurm_time='tomorrow' is no time limit"),
        ({"slurm_partition": "a\nrm x"}, "slurm_partition=.* holds a line break"),
        ({"slurm_setup": "a\x00"}, "slurm_setup=.* holds a line break"),
        ({"slurm_directives": ("mem=3",)}, "slurm_directives has 'mem=3'"),
        ({"slurm_stop_seconds": 0}, "slurm_stop_seconds=0 is too small"),
    ],
)
def test_settings_that_cannot_be(wrong: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(FULL, **wrong).validate()


def test_an_argument_with_a_line_break_is_refused():
    with pytest.raises(ConfigError, match=r"argument=.* holds a line break"):
        text_of(arguments=("--data=a\nb",))
