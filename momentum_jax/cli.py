"""The command line: flags derived from the configuration's dataclasses, parsed without starting JAX."""

from __future__ import annotations

import dataclasses
import datetime
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from momentum_jax import resuming
from momentum_jax.config import Experiment, RunConfig, resolve_arms
from momentum_jax.distributed import DistributedConfig
from momentum_jax.env.options import PRESETS, EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.options import MarketConfig
from momentum_jax.ppo.options import PPOConfig
from momentum_jax.slurm import SlurmConfig
from momentum_jax.study import PartRun, Study, plan

_ALIASES = {"n_steps": "num_steps", "n_epochs": "num_epochs", "batch_size": "minibatch_size"}
_RUN_FIELDS = (
    "timesteps",
    "num_seeds",
    "first_seed",
    "checkpoints",
    "fixed_streams",
    "group_width",
    "num_devices",
    "state_interval",
)


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


class _Section(NamedTuple):
    title: str
    names: list[str]


def _define_field(values: flags.FlagValues, field: dataclasses.Field) -> str:
    """Define a flag without a default (None: leave the experiment's value) for a dataclass field."""
    name, kind, help_text = field.name, str(field.type), field.metadata["help"]
    if field.metadata.get("choices"):
        flags.DEFINE_enum(name, None, list(field.metadata["choices"]), help_text, flag_values=values)
    elif kind.startswith("tuple"):
        flags.DEFINE_list(name, None, help_text, flag_values=values)
    elif kind.startswith("bool"):
        flags.DEFINE_boolean(name, None, help_text, flag_values=values)
    elif kind.startswith("int"):
        flags.DEFINE_integer(name, None, help_text, flag_values=values)
    elif kind.startswith("str"):
        flags.DEFINE_string(name, None, help_text, flag_values=values)
    else:
        flags.DEFINE_float(name, None, help_text, flag_values=values)
    return name


def _define(values: flags.FlagValues) -> list[_Section]:
    flags.DEFINE_string("experiment", "tune2", "study to run; its arms are in experiments/", flag_values=values)
    flags.DEFINE_string("study", None, "a study's parts one after the other, in run_dir/<part>", flag_values=values)
    flags.DEFINE_list("parts", None, "parts of the study to run; default all", flag_values=values)
    flags.DEFINE_string("run_dir", None, "where results go; default runs/<model_name>", flag_values=values)
    flags.DEFINE_string("model_name", None, "name of the run; default experiment and time", flag_values=values)
    flags.DEFINE_boolean("resume", False, "go on with the run in run_dir, to the same result", flag_values=values)
    flags.DEFINE_integer("extend_to", None, "go on with the run in run_dir to so many timesteps", flag_values=values)
    flags.DEFINE_enum("preset", "reference", list(PRESETS), "behaviour of the environment", flag_values=values)
    flags.DEFINE_boolean(
        "human_momentum", True, "the reference system's name of this environment; there is no other", flag_values=values
    )
    fields = {field.name: field for field in dataclasses.fields(RunConfig)}
    run = [
        "experiment",
        "study",
        "parts",
        "run_dir",
        "model_name",
        "resume",
        "extend_to",
        *(_define_field(values, fields[name]) for name in _RUN_FIELDS),
    ]
    env = [_define_field(values, field) for field in dataclasses.fields(EnvOptions)]
    market = [_define_field(values, field) for field in dataclasses.fields(MarketConfig)]
    ppo = [_define_field(values, field) for field in dataclasses.fields(PPOConfig)]
    job = [_define_field(values, field) for field in dataclasses.fields(DistributedConfig)]
    slurm = [_define_field(values, field) for field in dataclasses.fields(SlurmConfig)]
    for alias, name in _ALIASES.items():
        flags.DEFINE_alias(alias, name, flag_values=values)
    return [
        _Section("Run", run),
        _Section("Market", market),
        _Section("Learner (also --n_steps, --n_epochs, --batch_size)", ppo),
        _Section("Environment", ["preset", "human_momentum", *env]),
        _Section("Several processes", job),
        _Section("Slurm", slurm),
    ]


def normalized(arguments: Sequence[str]) -> list[str]:
    """Write flag names with underscores: `--learning-rate=3e-5` becomes `--learning_rate=3e-5`."""
    result = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        result.append(name.replace("-", "_").replace("__", "--", 1) + equals + value if name[:2] == "--" else argument)
    return result


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
    sections = _define(values)
    arguments = normalized(argv[1:])
    if {"--help", "-h", "--helpfull", "--helpshort"} & set(arguments):
        return _help(values, sections, experiment_names)
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
    job = DistributedConfig(**_given(values, DistributedConfig))
    job.validate()
    slurm = SlurmConfig(**_given(values, SlurmConfig))
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
    later = _value(values, RunConfig.__dataclass_fields__["checkpoints"]) or ()
    for name in ("timesteps", "checkpoints"):
        values[name].value = None  # both belong to the longer run
    return _with_flags(stored, values).extended(values.extend_to, later)


def _with_flags(base: RunConfig, values: flags.FlagValues) -> RunConfig:
    """`base` with the flags that are given."""
    overrides = _given(values, EnvOptions) | _given(values, PPOConfig)
    return dataclasses.replace(
        base,
        arms=resolve_arms(base.arms, values.preset, overrides),
        market=dataclasses.replace(base.market, **_given(values, MarketConfig)),
        **_given(values, RunConfig, _RUN_FIELDS),
    )


def _given(values: flags.FlagValues, owner: type, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The fields of a dataclass (all, or those in `names`) whose flags are on the command line."""
    fields = [field for field in dataclasses.fields(owner) if names is None or field.name in names]
    return {field.name: _value(values, field) for field in fields if values[field.name].value is not None}


def _value(values: flags.FlagValues, field: dataclasses.Field) -> Any:
    """A flag's value in its field's type."""
    value = values[field.name].value
    if not isinstance(value, list):
        return value
    if "int" not in str(field.type):
        return tuple(value)
    try:
        return tuple(int(item) for item in value)
    except ValueError:
        raise ConfigError(f"{field.name}={','.join(value)} is not a list of whole numbers, e.g. 64,64") from None


def _run_dir(values: flags.FlagValues) -> Path:
    if values.run_dir:
        return Path(values.run_dir)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs") / (values.model_name or f"{values.experiment}-{stamp}")


def _help(values: flags.FlagValues, sections: Sequence[_Section], experiment_names: Sequence[str]) -> str:
    lines = [
        "Train many seeds of every arm of an experiment in one compiled program and look for dips.",
        "",
        "  python launch.py --experiment=tune2 --num_seeds=64 --timesteps=100000 --run_dir=runs/tune2",
        "",
        f"Experiments: {', '.join(experiment_names)}",
        "Flags may be written with dashes or underscores. A learner or environment flag that is",
        "not given leaves each arm of the experiment its own value (shown: that of tune2).",
    ]
    defaults = {
        field.name: field.default
        for owner in (RunConfig, MarketConfig, EnvOptions, PPOConfig, DistributedConfig, SlurmConfig)
        for field in dataclasses.fields(owner)
    }
    for section in sections:
        lines += ["", section.title]
        for name in section.names:
            default = values[name].value if values[name].value is not None else defaults.get(name)
            shown = "" if default in (None, ()) else f" [{_plain(default)}]"
            text = f"{values[name].help}{shown}"
            lines += textwrap.wrap(text, 100, initial_indent=f"  --{name:<24} ", subsequent_indent=" " * 29)
    return "\n".join(lines)


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
