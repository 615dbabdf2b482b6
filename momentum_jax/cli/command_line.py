"""The command line: from flags to what is asked for, without starting JAX."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from momentum_jax import lookup, run_directory
from momentum_jax.cli import arguments, flag_definitions, modes
from momentum_jax.cli.batch_file import SlurmConfig
from momentum_jax.config.arms import Arm, resolve_arms
from momentum_jax.config.declared_claims import impossible_criteria
from momentum_jax.config.experiment import Experiment
from momentum_jax.config.experiment_file import is_file_name
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_names import MOMENTUM_NAME, same_environment, short_name
from momentum_jax.env.environment_options import PRESET_MARKETS, EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.processes import paths
from momentum_jax.processes.distributed import DistributedConfig
from momentum_jax.study import DECLARATION_NAME, Study
from momentum_jax.study.queue import PartRun, check_folder, plan
from momentum_jax.training.resume import compatibility
from momentum_jax.version import __version__

_HELP = {"--help", "-h", "-help", "--helpfull", "--helpshort"}


class Command(NamedTuple):
    """What the command line asks for; `arguments` are its words, as `arguments.normalized` gives them."""

    config: RunConfig
    run_dir: Path
    resume: bool
    job: DistributedConfig
    batch_file: SlurmConfig
    arguments: Sequence[str]


class StudyCommand(NamedTuple):
    """A study that the command line asks for, in the order of its parts."""

    study: Study
    parts: list[PartRun]
    folder: Path
    arguments: Sequence[str]


def parse(
    argv: Sequence[str],
    load_experiment: Callable[[str], Experiment],
    experiment_names: Sequence[str],
    values: flags.FlagValues | None = None,
    load_study: Callable[[str], Study] | None = None,
) -> Command | StudyCommand | str:
    """Turn a command line into a run or a study, or into the text that `--help` or `--version` asks for.

    `values` receives the flags: absl's own FLAGS in a program that absl starts.

    Raises:
      ConfigError: an unknown flag or experiment, a value that cannot be, a flag that would be ignored, or arguments
        that are not flags.
      DataError: market options without meaning.
      RunDirectoryError: a run that is to go on and cannot be read.
    """
    values = flags.FlagValues() if values is None else values
    sections = flag_definitions.define(values)
    if _HELP & set(argv[1:]):
        return flag_definitions.help_text(values, sections, experiment_names)
    if "--version" in argv[1:]:
        return f"momentum_jax {__version__}"
    words = _flags_set(values, argv)
    given = flag_definitions.given_names(values)
    mode = modes.mode_of(given, values.resume)
    modes.check_read(mode, given)
    _check_texts(values, given)
    if mode is modes.STUDY:
        assert load_study is not None
        study = _study(values, load_study, words)
        modes.check_used(given, [part.config for part in study.parts], lambda name: bool(values[name].value))
        return study
    command = _run(values, mode, load_experiment, words)
    modes.check_used(given, [command.config], lambda name: bool(values[name].value))
    return command


def _flags_set(values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
    """Let `values` hold what the command line says; returns its words."""
    try:
        words = arguments.normalized(values, argv[1:])
        rest = values([argv[0], *words])[1:]
    except ConfigError:
        raise
    except (flags.Error, ValueError) as error:
        raise ConfigError(arguments.explained(values, str(error))) from None
    if rest:
        raise ConfigError(f"{rest[0]!r} is not a flag: write --name=value")
    return words


def _check_texts(values: flags.FlagValues, given: Sequence[str]) -> None:
    """Refuse texts that are empty: they would count as not given."""
    if not values.human_momentum:
        raise ConfigError("human_momentum=False: choose another environment by --env, and leave the flag out")
    for name in given:
        if values[name].value == "" or (name == "parts" and not any(values.parts)):
            raise ConfigError(f"{name} is empty: give it a value, or leave --{name} out")


def _run(
    values: flags.FlagValues, mode: modes.Mode, load_experiment: Callable[[str], Experiment], words: Sequence[str]
) -> Command:
    run_dir = _run_dir(values)
    if mode is modes.NEW:
        config = _new_run(_experiment(values, load_experiment), values)
    else:
        config = _resumed(values, run_dir, load_experiment)
    config.validate()
    job = DistributedConfig(**flag_definitions.given(values, DistributedConfig))
    batch_file = SlurmConfig(**flag_definitions.given(values, SlurmConfig))
    job.validate()
    batch_file.validate()
    return Command(config, run_dir, mode is not modes.NEW, job, batch_file, words)


def _experiment(values: flags.FlagValues, load_experiment: Callable[[str], Experiment]) -> Experiment:
    """What the command line asks for; on another environment alone, one arm with the learner's defaults.

    Raises:
      ConfigError: an experiment that is declared for another environment than --env.
    """
    if values.env is None or values.env == MOMENTUM_NAME or values["experiment"].present:
        experiment = load_experiment(values.experiment)
        if values.env is not None and not same_environment(values.env, experiment.environment):
            raise ConfigError(
                f"--env={values.env}: experiment {experiment.name} is declared for {experiment.environment}: leave "
                f"--experiment out, or write one of your own with environment={values.env!r}"
            )
        return experiment
    name = short_name(values.env)
    return Experiment(name=name, description=f"PPO on {name}.", arms=(Arm(name="ppo"),), environment=values.env)


def _new_run(experiment: Experiment, values: flags.FlagValues) -> RunConfig:
    """The experiment with the flags that are given; declared checkpoints beyond a shorter run are left out."""
    modes.check_environment(experiment.environment, flag_definitions.given_names(values))
    # A part may name where its bars come from and leave the files to the flags.
    declared = _as_declared(experiment, {**experiment.market, **flag_definitions.given(values, MarketConfig)})
    config = _with_flags(declared, values)
    seeds = range(config.first_seed, config.first_seed + config.num_seeds)  # it may be more than there can be
    arms = tuple(arm.for_seeds(declared.seeds, seeds) for arm in config.arms)
    config = dataclasses.replace(config, arms=arms)
    if values.checkpoints is None:
        reached = tuple(step for step in config.checkpoints if step <= config.timesteps)
        config = dataclasses.replace(config, checkpoints=reached)
    _check_claims(experiment, declared, config)
    return config


def _check_claims(experiment: Experiment, declared: RunConfig, config: RunConfig) -> None:
    """Refuse claims that neither the experiment as it is declared nor this run can decide.

    What only the flags put out of reach (a shorter run) is a person's choice: the run's log says so.
    """
    arms = [arm.name for arm in experiment.arms]
    hopeless, now = (
        dict(impossible_criteria(run.claims, arms, experiment.other_arms, run.planned_checkpoints))
        for run in (declared, config)
    )
    for place, problem in now.items():
        if place in hopeless:
            raise ConfigError(problem)


def _as_declared(experiment: Experiment, market: Mapping[str, Any]) -> RunConfig:
    return RunConfig(
        experiment=experiment.name,
        arms=experiment.arms,
        timesteps=experiment.timesteps,
        num_seeds=experiment.num_seeds,
        first_seed=experiment.first_seed,
        checkpoints=experiment.checkpoints,
        claims=experiment.claims,
        market=MarketConfig(**market),
        environment=experiment.environment,
        eval_episodes=experiment.eval_episodes,
        eval_max_steps=experiment.eval_max_steps,
        evaluate_every=experiment.evaluate_every,
        record_probes=experiment.record_probes,
    )


def _study(values: flags.FlagValues, load_study: Callable[[str], Study], words: Sequence[str]) -> StudyCommand:
    """The study's parts with the flags that are given on top of each."""
    if not values.run_dir:
        raise ConfigError("--study needs --run_dir: a folder for its run directories, the same when it goes on")
    study = load_study(values.study)
    folder = paths.user_path(values.run_dir, "run_dir")
    check_folder(folder)
    parts = plan(study, folder, lambda part: _new_run(part, values), values.parts or (), values.data_source)
    return StudyCommand(study, parts, folder, words)


def _resumed(values: flags.FlagValues, run_dir: Path, load_experiment: Callable[[str], Experiment]) -> RunConfig:
    """The stored run with the flags that are given; the runner refuses what differs from the stored one."""
    if not values.run_dir:
        raise ConfigError("--resume and --extend_to need --run_dir: which run is to go on?")
    if (run_dir / DECLARATION_NAME).exists():
        raise ConfigError(f"{run_dir} is the folder of a study: start it again with --study, or name the run of a part")
    stored = compatibility.stored_run(run_dir)
    if values.env is not None and not same_environment(values.env, stored.environment):
        raise ConfigError(f"{run_dir} was begun with --env={stored.environment}: leave --env out, or start a new run")
    stored = dataclasses.replace(stored, environment=values.env or stored.environment)  # the file may have moved
    if values["experiment"].present or values["preset"].present:  # a preset lies on top of the experiment's own arms
        experiment = load_experiment(values.experiment if values["experiment"].present else stored.experiment)
        if not same_environment(experiment.environment, stored.environment):
            raise ConfigError(f"{run_dir} is a run on {stored.environment}, {experiment.name} is declared for another")
        stored = dataclasses.replace(stored, experiment=experiment.name, arms=experiment.arms, claims=experiment.claims)
        stored = dataclasses.replace(stored, environment=values.env or experiment.environment)
    if values.extend_to is None:
        if values.timesteps is not None and values.timesteps > stored.timesteps:
            raise ConfigError(f"timesteps={values.timesteps} is longer than the run: use --extend_to")
        return _with_flags(stored, values)
    later = flag_definitions.value_of(values, RunConfig.__dataclass_fields__["checkpoints"]) or ()
    values["checkpoints"].value = None  # they belong to the longer run
    run = _with_flags(stored, values)
    if values.extend_to == stored.timesteps and not later and not run_directory.is_finished(run_dir):
        return run  # the extension has begun already
    return run.extended(values.extend_to, later)


def _with_flags(base: RunConfig, values: flags.FlagValues) -> RunConfig:
    """`base` with the flags that are given."""
    modes.check_environment(base.environment, flag_definitions.given_names(values))
    overrides = flag_definitions.given(values, EnvOptions) | flag_definitions.given(values, PPOConfig)
    overrides |= {name: lookup.in_full(overrides[name]) for name in ("network", "optimizer") if name in overrides}
    market = PRESET_MARKETS.get(values.preset, {}) | flag_definitions.given(values, MarketConfig)
    return dataclasses.replace(
        base,
        arms=resolve_arms(base.arms, values.preset, overrides),
        market=dataclasses.replace(base.market, **market),
        **flag_definitions.given(values, RunConfig, flag_definitions.RUN_FIELDS),
    )


def _run_dir(values: flags.FlagValues) -> Path:
    if values.run_dir:
        return paths.user_path(values.run_dir, "run_dir")
    if values.model_name:
        return paths.named_run(values.model_name)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")  # to the microsecond: sweeps start many at once
    name = Path(values.experiment).stem if is_file_name(values.experiment) else values.experiment
    if values.env is not None and not values["experiment"].present and values.env != MOMENTUM_NAME:
        name = short_name(values.env)
    return paths.RUNS / f"{name}-{stamp}"
