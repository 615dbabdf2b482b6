"""The command line: from flags to what is asked for, without starting JAX."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from absl import flags

from momentum_jax import cli_flags, resuming
from momentum_jax.config import Experiment, RunConfig, resolve_arms
from momentum_jax.distributed import DistributedConfig
from momentum_jax.env.options import EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.options import MarketConfig
from momentum_jax.ppo.options import PPOConfig
from momentum_jax.slurm import SlurmConfig
from momentum_jax.study import PartRun, Study, plan


class Command(NamedTuple):
    """What the command line asks for."""

    config: RunConfig
    run_dir: Path
    resume: bool
    job: DistributedConfig
    slurm: SlurmConfig


class StudyCommand(NamedTuple):
    """A study that the command line asks for, in the order of its parts."""

    study: Study
    parts: list[PartRun]
    folder: Path


def parse(
    argv: Sequence[str],
    load_experiment: Callable[[str], Experiment],
    experiment_names: Sequence[str],
    values: flags.FlagValues | None = None,
    load_study: Callable[[str], Study] | None = None,
) -> Command | StudyCommand | str:
    """Turn a command line into a run or a study, or into the text that `--help` asks for.

    `values` receives the flags: absl's own FLAGS in a program that absl starts.

    Raises:
      ConfigError: an unknown flag or experiment, a value that cannot be, or arguments that are not flags.
      DataError: market options without meaning.
    """
    values = flags.FlagValues() if values is None else values
    sections = cli_flags.define(values)
    arguments = cli_flags.normalized(argv[1:])
    if {"--help", "-h", "--helpfull", "--helpshort"} & set(arguments):
        return cli_flags.help_text(values, sections, experiment_names)
    try:
        rest = values([argv[0], *arguments])[1:]
    except flags.Error as error:
        raise ConfigError(" ".join(str(error).split())) from None
    if rest:
        raise ConfigError(f"{rest[0]!r} is not a flag: write --name=value")
    if not values.human_momentum:
        raise ConfigError("human_momentum=False: there is no other environment here, leave the flag out")
    if values.study is not None and load_study is not None:
        return _study(values, load_study)
    if values.parts:
        raise ConfigError("--parts needs --study: whose parts?")
    resume = values.resume or values.extend_to is not None
    config = _resumed(values, load_experiment) if resume else _begun(values, load_experiment)
    config.validate()
    job = DistributedConfig(**cli_flags.given(values, DistributedConfig))
    job.validate()
    slurm = SlurmConfig(**cli_flags.given(values, SlurmConfig))
    slurm.validate()
    return Command(config, _run_dir(values), resume, job, slurm)


def _begun(values: flags.FlagValues, load_experiment: Callable[[str], Experiment]) -> RunConfig:
    experiment = load_experiment(values.experiment)
    return _new_run(experiment, values)


def _new_run(experiment: Experiment, values: flags.FlagValues) -> RunConfig:
    """The experiment with the flags that are given; declared checkpoints beyond a shorter run are left out."""
    config = _with_flags(_as_declared(experiment), values)
    if values.checkpoints is not None:
        return config
    return dataclasses.replace(
        config, checkpoints=tuple(step for step in config.checkpoints if step <= config.timesteps)
    )


def _as_declared(experiment: Experiment) -> RunConfig:
    return RunConfig(
        experiment=experiment.name,
        arms=experiment.arms,
        timesteps=experiment.timesteps,
        num_seeds=experiment.num_seeds,
        checkpoints=experiment.checkpoints,
        claims=experiment.claims,
        market=MarketConfig(**experiment.market),
    )


def _study(values: flags.FlagValues, load_study: Callable[[str], Study]) -> StudyCommand:
    """The study's parts with the flags that are given on top of each."""
    for name in ("experiment", "resume", "extend_to", "model_name"):
        if values[name].present:
            raise ConfigError(f"--{name} does not go with --study: a study begins, resumes and names its parts itself")
    if not values.run_dir:
        raise ConfigError("--study needs --run_dir: a folder for its run directories, the same when it goes on")
    study = load_study(values.study)
    folder = Path(values.run_dir)
    parts = plan(study, folder, lambda part: _new_run(part, values), values.parts or ())
    return StudyCommand(study, parts, folder)


def _resumed(values: flags.FlagValues, load_experiment: Callable[[str], Experiment]) -> RunConfig:
    """The stored run with the flags that are given; the runner refuses what differs from the stored one."""
    if not values.run_dir:
        raise ConfigError("--resume needs --run_dir: which run is to go on?")
    stored = resuming.stored_run(values.run_dir)
    if values["experiment"].present:
        experiment = load_experiment(values.experiment)
        stored = dataclasses.replace(stored, experiment=experiment.name, arms=experiment.arms, claims=experiment.claims)
    if values.extend_to is None:
        if values.timesteps is not None and values.timesteps > stored.timesteps:
            raise ConfigError(f"timesteps={values.timesteps} is longer than the run: use --extend_to")
        return _with_flags(stored, values)
    later = cli_flags.value_of(values, RunConfig.__dataclass_fields__["checkpoints"]) or ()
    for name in ("timesteps", "checkpoints"):
        values[name].value = None  # both belong to the longer run
    return _with_flags(stored, values).extended(values.extend_to, later)


def _with_flags(base: RunConfig, values: flags.FlagValues) -> RunConfig:
    """`base` with the flags that are given."""
    overrides = cli_flags.given(values, EnvOptions) | cli_flags.given(values, PPOConfig)
    return dataclasses.replace(
        base,
        arms=resolve_arms(base.arms, values.preset, overrides),
        market=dataclasses.replace(base.market, **cli_flags.given(values, MarketConfig)),
        **cli_flags.given(values, RunConfig, cli_flags.RUN_FIELDS),
    )


def _run_dir(values: flags.FlagValues) -> Path:
    if values.run_dir:
        return Path(values.run_dir)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs") / (values.model_name or f"{values.experiment}-{stamp}")
