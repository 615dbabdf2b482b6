"""The flags: derived from the configuration's dataclasses, read back as their fields, and the text of `--help`."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from absl import flags

from momentum_jax.cli.batch_file import SlurmConfig
from momentum_jax.cli.modes import RUN_FIELDS
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.processes.distributed import DistributedConfig

_ALIASES = {"n_steps": "num_steps", "n_epochs": "num_epochs", "batch_size": "minibatch_size"}


class Section(NamedTuple):
    """Flags that `--help` shows together."""

    title: str
    names: list[str]


def define_field(values: flags.FlagValues, field: dataclasses.Field) -> str:
    """Define a flag without a default (None: leave the experiment's value) for a dataclass field."""
    name, kind, text = field.name, str(field.type), field.metadata["help"]
    if field.metadata.get("choices"):
        flags.DEFINE_enum(name, None, list(field.metadata["choices"]), text, flag_values=values)
    elif kind.startswith("tuple"):
        flags.DEFINE_list(name, None, text, flag_values=values)
    elif kind.startswith("bool"):
        flags.DEFINE_boolean(name, None, text, flag_values=values)
    elif kind.startswith("int"):
        flags.DEFINE_integer(name, None, text, flag_values=values)
    elif kind.startswith("str"):
        flags.DEFINE_string(name, None, text, flag_values=values)
    else:
        flags.DEFINE_float(name, None, text, flag_values=values)
    return name


def define(values: flags.FlagValues) -> list[Section]:
    """Define every flag; returns them as `--help` groups them."""
    flags.DEFINE_string(
        "experiment",
        "tune2",
        "what to run: one of the experiments, or a file of your own, path/to/file.py",
        flag_values=values,
    )
    flags.DEFINE_string(
        "env",
        None,
        f"environment: {MOMENTUM_NAME} (default), one of gymnax with discrete actions such as CartPole-v1, or a "
        "function of a file of your own, path/to/file.py:make",
        flag_values=values,
    )
    flags.DEFINE_string("study", None, "a study's parts one after the other, in run_dir/<part>", flag_values=values)
    flags.DEFINE_list("parts", None, "parts of the study to run; default all", flag_values=values)
    flags.DEFINE_string("run_dir", None, "where results go; default runs/<model_name>", flag_values=values)
    flags.DEFINE_string("model_name", None, "name of the run; default experiment and time", flag_values=values)
    flags.DEFINE_boolean("resume", False, "continue the run in run_dir, to the same result", flag_values=values)
    flags.DEFINE_integer(
        "extend_to", None, "continue the run in run_dir until it has this many timesteps", flag_values=values
    )
    flags.DEFINE_enum("preset", "reference", list(PRESETS), "behaviour of the environment", flag_values=values)
    flags.DEFINE_boolean(
        "human_momentum", True, "the reference system's name of the momentum environment", flag_values=values
    )
    fields = {field.name: field for field in dataclasses.fields(RunConfig)}
    run = [
        "experiment",
        "env",
        "study",
        "parts",
        "run_dir",
        "model_name",
        "resume",
        "extend_to",
        *(define_field(values, fields[name]) for name in RUN_FIELDS),
    ]
    env = [define_field(values, field) for field in dataclasses.fields(EnvOptions)]
    market = [define_field(values, field) for field in dataclasses.fields(MarketConfig)]
    ppo = [define_field(values, field) for field in dataclasses.fields(PPOConfig)]
    job = [define_field(values, field) for field in dataclasses.fields(DistributedConfig)]
    slurm = [define_field(values, field) for field in dataclasses.fields(SlurmConfig)]
    for alias, name in _ALIASES.items():
        flags.DEFINE_alias(alias, name, flag_values=values)
    return [
        Section("Run", run),
        Section("Market", market),
        Section("Learner (also --n_steps, --n_epochs, --batch_size)", ppo),
        Section("Momentum environment", ["preset", "human_momentum", *env]),
        Section("Several processes", job),
        Section("Slurm", slurm),
    ]


def given_names(values: flags.FlagValues) -> list[str]:
    """Flags that are on the command line, by their own names."""
    return list(dict.fromkeys(own_name(name) for name in values if values[name].present))


def own_name(name: str) -> str:
    """The name of the flag that `name` is, or is an alias of."""
    return _ALIASES.get(name, name)


def given(values: flags.FlagValues, owner: type, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The fields of a dataclass (all, or those in `names`) whose flags are on the command line."""
    fields = [field for field in dataclasses.fields(owner) if names is None or field.name in names]
    return {field.name: value_of(values, field) for field in fields if values[field.name].value is not None}


def value_of(values: flags.FlagValues, field: dataclasses.Field) -> Any:
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


def help_text(values: flags.FlagValues, sections: Sequence[Section], experiment_names: Sequence[str]) -> str:
    lines = [
        "Train many seeds of every arm of an experiment in one compiled program and look for dips.",
        "",
        "  python launch.py --experiment=tune2 --num_seeds=64 --timesteps=100000 --run_dir=runs/tune2",
        "",
        *textwrap.wrap(f"Experiments and studies: {', '.join(experiment_names)}", 100, subsequent_indent=" " * 4),
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
