"""What a command line may ask for, and which flags each kind of it reads: a flag that would be ignored is refused.

Each mode declares the flags that it reads. Settings of the run are read by every mode: taken by a new run, compared
with the stored ones by a run that goes on. Some flags count only beside another one; `check_used` knows those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from momentum_jax.cli.batch_file import SlurmConfig
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.files.formats import CSV_ONLY
from momentum_jax.market.market_options import FILE_SOURCES, VENDORS, MarketConfig
from momentum_jax.networks.table import NETWORKS, WITH_MEMORY
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.optimizer_table import OPTIMIZERS, WITH_EPS
from momentum_jax.processes.distributed import DistributedConfig

RUN_FIELDS = (
    "timesteps",
    "num_seeds",
    "first_seed",
    "checkpoints",
    "fixed_streams",
    "group_width",
    "num_devices",
    "state_interval",
    "divergence_limit",
    "eval_episodes",
    "eval_max_steps",
    "evaluate_every",
    "record_probes",
)


def _names(owner: type) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(owner))


_SETTINGS = _names(EnvOptions) | _names(PPOConfig) | _names(MarketConfig) | {*RUN_FIELDS, "preset", "human_momentum"}
_JOB, SLURM_FLAGS = _names(DistributedConfig), _names(SlurmConfig)
# Slurm numbers the processes itself, each time that the batch file runs.
_NUMBERED = frozenset({"coordinator_address", "num_processes", "process_id"})


class Mode(NamedTuple):
    """A kind of command line: what it is called in messages and the flags that it reads."""

    title: str
    reads: frozenset[str]


NEW = Mode("a new run", _SETTINGS | _JOB | {"experiment", "env", "run_dir", "model_name", "resume"})
RESUME = Mode("--resume", _SETTINGS | _JOB | {"experiment", "env", "run_dir", "resume"})
EXTEND = Mode(
    "--extend_to", (_SETTINGS | _JOB | {"experiment", "env", "run_dir", "resume", "extend_to"}) - {"timesteps"}
)
STUDY = Mode("--study", _SETTINGS | {"study", "parts", "run_dir"})

_ADVICE: Mapping[tuple[str, str], str] = {
    ("model_name", RESUME.title): "name the run's folder by --run_dir, e.g. --run_dir=runs/NAME",
    ("model_name", EXTEND.title): "name the run's folder by --run_dir, e.g. --run_dir=runs/NAME",
    ("timesteps", EXTEND.title): "--extend_to is the new end",
    ("parts", NEW.title): "add --study=NAME, whose parts they are",
    ("extend_to", STUDY.title): "extend the run of a part by --run_dir=FOLDER/PART",
    ("resume", STUDY.title): "a study goes on by itself when it is started again",
    ("experiment", STUDY.title): "a study names its parts; --parts chooses among them",
    ("env", STUDY.title): "each part of a study is declared for an environment",
    ("model_name", STUDY.title): "a study names the runs of its parts, in --run_dir",
}
_ADVICE_BY_FLAG: Mapping[str, str] = {
    **dict.fromkeys(_JOB, "a study's parts run in one process; start a part alone with --experiment=STUDY.PART"),
    **dict.fromkeys(SLURM_FLAGS, "it describes a batch file: add --slurm=FILE"),
}


def mode_of(given: Iterable[str], resume: bool) -> Mode:
    """The mode of a command line with these flags; `resume` is the value of --resume."""
    names = set(given)
    if "study" in names:
        return STUDY
    if "extend_to" in names:
        return EXTEND
    return RESUME if resume else NEW


def check_read(mode: Mode, given: Iterable[str]) -> None:
    """Raises ConfigError for the first given flag that the mode does not read."""
    names = list(given)
    reads = mode.reads
    if "slurm" in names and mode is not STUDY:
        reads = (reads | SLURM_FLAGS) - _NUMBERED
    for name in names:
        if name in reads:
            continue
        if "slurm" in names and mode is STUDY:
            raise ConfigError(
                "--slurm does not go with --study: write a batch file for each part, with --experiment=STUDY.PART"
            )
        if name in _NUMBERED and "slurm" in names:
            raise ConfigError(f"--{name} does not go with --slurm, which numbers the processes itself: leave it out")
        advice = _ADVICE.get((name, mode.title)) or _ADVICE_BY_FLAG.get(name) or "leave it out"
        raise ConfigError(f"--{name} has no effect with {mode.title}: {advice}")


_MOMENTUM_FLAGS = _names(EnvOptions) | _names(MarketConfig) | {"preset", "human_momentum"}


def check_environment(environment: str, given: Iterable[str]) -> None:
    """Raises ConfigError for a flag of the momentum environment in a run on another one."""
    if environment == MOMENTUM_NAME:
        return
    for name in given:
        if name in _MOMENTUM_FLAGS:
            raise ConfigError(
                f"--{name} belongs to the environment {MOMENTUM_NAME}, and this run is on {environment}: leave it out"
            )


class Condition(NamedTuple):
    """Flags that count only where a setting has one of these values."""

    setting: str
    values: Sequence[str]
    shipped: Container[str] | None = None  # what else the setting names is the user's own, and may read the flag

    def holds(self, value: str) -> bool:
        return value in self.values or (self.shipped is not None and value not in self.shipped)


_FILES, _CSV = Condition("data_source", FILE_SOURCES), Condition("data_source", ("csv",))
_BARS = Condition("data_source", (*FILE_SOURCES, *VENDORS))
_VENDOR, _MADE_UP = Condition("data_source", VENDORS), Condition("data_source", ("synthetic",))
_DIVIDED = Condition("data_part", ("train", "validation", "test"))
_MARKET_CONDITIONS: Mapping[str, Condition] = {
    **{name: _FILES for name in _names(MarketConfig) if name.startswith("file_")},
    **{f"file_{name}": _CSV for name in CSV_ONLY},
    "data_path": _FILES,
    "vix_path": _BARS,
    "vix_symbol": _BARS,
    "cache_path": _VENDOR,
    "request_seconds": _VENDOR,
    "synthetic_seed": _MADE_UP,
    "synthetic_scenario": _MADE_UP,
    "fill_limit": Condition("missing_minutes", ("fill",)),
    "train_end": _DIVIDED,
    "validation_end": _DIVIDED,
}
_LEARNER_CONDITIONS: Mapping[str, Condition] = {
    "lstm_size": Condition("network", WITH_MEMORY, NETWORKS),
    "adam_eps": Condition("optimizer", WITH_EPS, OPTIMIZERS),
}


def check_used(given: Sequence[str], configs: Sequence[RunConfig], present: Callable[[str], bool]) -> None:
    """Raises ConfigError for a flag that counts only beside another one, which is missing.

    Args:
      given: flags on the command line.
      configs: of the run, or of each part of a study.
      present: whether a flag is given with a value that switches something on.
    """
    _check_conditions(given, _MARKET_CONDITIONS, [config.market for config in configs])
    _check_conditions(given, _LEARNER_CONDITIONS, [arm.ppo for config in configs for arm in config.arms])
    names = set(given)
    if {"model_name", "run_dir"} <= names:
        raise ConfigError("--model_name has no effect with --run_dir, which names the folder in full: leave one out")
    if "heartbeat_timeout" in names and not any(map(present, ("distributed", "coordinator_address", "slurm"))):
        raise ConfigError("--heartbeat_timeout has no effect in one process: add --distributed, or leave it out")
    several = [name for name in ("slurm", "coordinator_address") if present(name)]
    if several and "distributed" in names and not present("distributed"):
        raise ConfigError(f"--nodistributed contradicts --{several[0]}, which starts several processes: leave one out")
    goes_on = [name for name in ("slurm", "extend_to") if present(name)]
    if goes_on and "resume" in names and not present("resume"):
        raise ConfigError(f"--noresume contradicts --{goes_on[0]}, which goes on with a run: leave one out")


def _check_conditions(
    given: Sequence[str], conditions: Mapping[str, Condition], settings: Sequence[MarketConfig] | Sequence[PPOConfig]
) -> None:
    """Raises ConfigError for a flag whose condition holds nowhere."""
    for name, condition in ((name, conditions[name]) for name in given if name in conditions):
        found = [getattr(one, condition.setting) for one in settings]
        if not any(map(condition.holds, found)):
            raise ConfigError(
                f"--{name} has no effect with {condition.setting}={found[0]}: leave it out, or give "
                f"--{condition.setting}={' or '.join(condition.values)}"
            )
