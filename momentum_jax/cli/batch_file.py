"""Writes a batch file for Slurm: one that starts a run, and goes on with it however often it is started again."""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from momentum_jax.field_checks import check_fields, convert_fields
from momentum_jax.fields import ConfigError, static
from momentum_jax.processes.paths import user_path

_TIME = re.compile(r"\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2}")
_SAVED = 143  # what launch.py ends with once it has saved after a SIGTERM
# The batch file says these itself, or decides them each time that it runs.
_DECIDED = ("run_dir", "model_name", "resume", "noresume", "distributed", "nodistributed")
_SWITCHES = ("resume", "noresume", "distributed", "nodistributed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlurmConfig:
    """The batch file and what the run asks of the cluster. Each task is a process with its own seeds and devices."""

    slurm: str | None = static(None, "write this batch file for Slurm instead of training; submit it with sbatch")
    slurm_nodes: int = static(1, "machines", minimum=1)
    slurm_tasks_per_node: int = static(1, "processes on each machine", minimum=1)
    slurm_gpus_per_task: int = static(0, "GPUs of each process", minimum=0)
    slurm_cpus_per_task: int | None = static(None, "cores of each process; default the cluster's", minimum=1)
    slurm_time: str | None = static(None, "time limit, e.g. 2:00:00 or 1-0; default the partition's")
    slurm_partition: str | None = static(None, "partition; default the cluster's")
    slurm_account: str | None = static(None, "account to charge; default the user's")
    slurm_stop_seconds: int = static(120, "seconds before the time limit to save at", minimum=1, maximum=65_535)
    slurm_setup: str | None = static(None, "shell command to run first, e.g. 'module load cuda'")
    slurm_directives: tuple[str, ...] = static((), "further options of sbatch, e.g. --mem=32G,--constraint=a100")

    def __post_init__(self) -> None:
        convert_fields(self)

    def validate(self) -> None:
        """Raises ConfigError on the first invalid setting."""
        check_fields(self)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    _check_line(field.name, text)
        if self.slurm_time is not None and not _TIME.fullmatch(self.slurm_time):
            raise ConfigError(f"slurm_time={self.slurm_time!r} is no time limit: write minutes, h:mm:ss or days-hours")
        for directive in self.slurm_directives:
            if not re.match(r"--?[A-Za-z]", directive):
                raise ConfigError(f"slurm_directives has {directive!r}: write options of sbatch, e.g. --mem=32G")


def write_script(
    config: SlurmConfig,
    arguments: Sequence[str],
    run_dir: Path,
    program: Path | Sequence[str],
    python: str = sys.executable,
) -> Path:
    """Write the batch file `config.slurm`, whole or not at all; the same text once more is no change.

    Args:
      config: validated, with a path.
      arguments: the command line after the program's name; what asks for the batch file is left out of it.
      run_dir: where the run goes; the batch file names it in full, for it must be the same each time.
      program: launch.py, or the words after the interpreter that stand for it where the package is installed.
      python: the interpreter of the jobs.

    Raises:
      ConfigError: the file holds another text already, or cannot be written.
    """
    # Imported late: the store needs NumPy and xarray, which reading flags need not wait for.
    from momentum_jax.run_directory import write_atomic

    assert config.slurm is not None
    path = user_path(config.slurm, "slurm").absolute()
    text = script(config, arguments, run_dir, program, python)
    try:
        if path.exists() and path.read_bytes() != text.encode():
            raise ConfigError(f"{path}: exists with another content; remove it or give --slurm another name")
        write_atomic(path, text.encode())
        run_dir.absolute().parent.mkdir(parents=True, exist_ok=True)  # where the log goes: Slurm makes no folders
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def script(
    config: SlurmConfig,
    arguments: Sequence[str],
    run_dir: Path,
    program: Path | Sequence[str],
    python: str = sys.executable,
) -> str:
    """The text of the batch file; arguments as for `write_script`."""
    for argument in arguments:
        _check_line("argument", argument)
    words = [str(program.absolute())] if isinstance(program, Path) else program
    command = [python, *words, *_kept(arguments)]
    setup = f"{config.slurm_setup} || exit\n" if config.slurm_setup else ""
    cores = f" --cpus-per-task={config.slurm_cpus_per_task}" if config.slurm_cpus_per_task else ""
    return f"""#!/bin/bash
{_directives(config, run_dir)}
# {config.slurm_stop_seconds} s before the time limit Slurm sends SIGTERM: training saves its state, ends with {_SAVED},
# and the job goes back into the queue. Whenever this file runs again, also after a node has failed, it goes on.

cd {shlex.quote(str(Path.cwd()))} || exit
{setup}run_dir={shlex.quote(str(run_dir.absolute()))}
resume=()
if [[ -e $run_dir/config.json ]]; then resume=(--resume); fi

# Processes that outlive another one save first, so Slurm must not end them. srun passes its cores on only if asked to.
srun --kill-on-bad-exit=0{cores} {shlex.join(command)} \\
    --run_dir="$run_dir" --distributed "${{resume[@]}}"
status=$?
if [[ $status -eq {_SAVED} ]]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit $status
"""


def _directives(config: SlurmConfig, run_dir: Path) -> str:
    log = str(run_dir.absolute()).replace("%", "%%") + ".%j.log"  # beside the run directory, which must not exist yet
    options = {
        "job-name": run_dir.name,
        "output": log,
        "open-mode": "append",
        "nodes": config.slurm_nodes,
        "ntasks-per-node": config.slurm_tasks_per_node,
        "gpus-per-task": config.slurm_gpus_per_task or None,
        "cpus-per-task": config.slurm_cpus_per_task,
        "time": config.slurm_time,
        "partition": config.slurm_partition,
        "account": config.slurm_account,
        "signal": f"TERM@{config.slurm_stop_seconds}",
    }
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return "".join(f"#SBATCH {shlex.quote(line)}\n" for line in [*given, "--requeue", *config.slurm_directives])


def _kept(arguments: Sequence[str]) -> list[str]:
    """The arguments without those about Slurm and those that the batch file says itself."""
    dropped = {*_DECIDED, *SlurmConfig.__dataclass_fields__}
    kept, skip = [], False
    for argument in arguments:
        flag, equals, _ = argument.partition("=")
        name = flag.lstrip("-").replace("-", "_")
        is_dropped = not skip and flag.startswith("-") and name in dropped
        if not (is_dropped or skip):
            kept.append(argument)
        skip = is_dropped and not equals and name not in _SWITCHES  # `--slurm FILE`: the value follows
    return kept


def _check_line(name: str, text: str) -> None:
    if not text.isprintable():
        raise ConfigError(f"{name}={text!r} holds a line break or another unprintable character: leave it out")
