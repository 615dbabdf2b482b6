"""An arm: one setting of environment and learner, for all seeds alike or with values by seed. Imports no JAX."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.field_checks import convert_fields
from momentum_jax.fields import ConfigError, is_static, unknown
from momentum_jax.ppo.hyper_parameters import PPOConfig

# An arm's name is also that of its files.
ARM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,+=-]*")
_OPTIONS = {field.name: field for kind in (EnvOptions, PPOConfig) for field in dataclasses.fields(kind)}
_ENV_NAMES = {field.name for field in dataclasses.fields(EnvOptions)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One setting of environment and learner, run with every seed.

    Attributes:
      name: of the arm.
      env: of the momentum environment; a run on another one leaves it at its defaults.
      ppo: of the learner.
      redrawn_streams: random streams that each seed redraws: arms that differ in nothing else are a pick-freeze
        design over the streams (see `analysis.inference.variance`).
      by_seed: values of traced options of `env` or `ppo` that differ between the seeds, by the option's name, one for
        each seed of the run in its order. They replace the arm's own value.

    Raises:
      ConfigError: a value of another type, also inside `env` and `ppo`, or a name that cannot be a file's.
    """

    name: str
    env: EnvOptions = EnvOptions()
    ppo: PPOConfig = PPOConfig()
    redrawn_streams: tuple[str, ...] = ()
    by_seed: Mapping[str, tuple[float | bool, ...]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for option in self.by_seed if isinstance(self.by_seed, Mapping) else ():
            self._check_option(option)
        try:
            convert_fields(self)
        except ConfigError as error:
            raise ConfigError(f"arm {self.name}: {error}") from None
        if not ARM_NAME.fullmatch(self.name):
            raise ConfigError(f"arm name {self.name!r}, expected letters, digits and _.,+=- (it names a file)")

    @property
    def has_env_settings(self) -> bool:
        """Whether it sets anything of the momentum environment."""
        return self.env != EnvOptions() or not _ENV_NAMES.isdisjoint(self.by_seed)

    def of_seed(self, position: int) -> Arm:
        """The arm as the run's seed at `position` has it, with that seed's values among its settings."""
        if not self.by_seed:
            return self
        own = {name: values[position] for name, values in self.by_seed.items()}
        # Without `by_seed` at once: every arm that is made checks all that it holds.
        return _with_settings(self, own, by_seed={})

    def for_seeds(self, declared: Sequence[int], seeds: Sequence[int]) -> Arm:
        """The same arm in a run with other seeds: each keeps its own values.

        Args:
          declared: the seeds that `by_seed` is of, in its order.
          seeds: those of the run.

        Raises:
          ConfigError: one of them has no values.
        """
        if not self.by_seed or any(len(values) != len(declared) for values in self.by_seed.values()):
            return self  # `validate` tells what is wrong
        places = {seed: place for place, seed in enumerate(declared)}
        absent = next((seed for seed in seeds if seed not in places), None)
        if absent is not None:
            raise ConfigError(
                f"by_seed of arm {self.name} has no value for seed {absent}: choose seeds from {declared[0]} "
                f"to {declared[-1]}"
            )
        by_seed = {name: tuple(values[places[seed]] for seed in seeds) for name, values in self.by_seed.items()}
        return dataclasses.replace(self, by_seed=by_seed)

    def validate(self, seeds: Sequence[int]) -> None:
        """Raises ConfigError on the first invalid setting, in a run with these seeds."""
        if not self.by_seed:
            self.env.validate()
            self.ppo.validate()
            return
        for option, values in self.by_seed.items():
            self._check_values(option, values, len(seeds))
        for position, seed in enumerate(seeds):
            try:
                own = self.of_seed(position)
                own.env.validate()
                own.ppo.validate()
            except ConfigError as error:
                raise ConfigError(f"by_seed of arm {self.name}, seed {seed}: {error}") from None

    def _check_option(self, option: str) -> None:
        """Refuse what cannot differ between seeds."""
        where = f"by_seed of arm {self.name}"
        if option not in _OPTIONS:
            raise unknown(where, str(option), [name for name, field in _OPTIONS.items() if not is_static(field)])
        if is_static(_OPTIONS[option]):
            raise ConfigError(
                f"{where} has {option}, in which seeds of one program cannot differ: make an arm for each value"
            )

    def _check_values(self, option: str, values: Sequence[float], num_seeds: int) -> None:
        where = f"by_seed of arm {self.name}"
        if len(values) != num_seeds:
            raise ConfigError(
                f"{where} has {len(values)} values of {option} for {num_seeds} seed(s): give one for each seed in the "
                "run's order"
            )
        for value in values:
            is_switch = isinstance(_OPTIONS[option].default, bool)
            if isinstance(value, bool) != is_switch:
                expected = "True or False" if is_switch else "a number"
                raise ConfigError(f"{where} has {value!r} among the values of {option}: expected {expected}")


def check_arms(arms: Sequence[Arm]) -> None:
    """Refuse a run without arms, or with two of one name."""
    if not arms:
        raise ConfigError("arms is empty: give at least one, such as arms=(Arm(name='ppo'),)")
    names = [arm.name for arm in arms]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"two arms are named {twice!r}: give each a name of its own")


def resolve_arms(arms: Sequence[Arm], preset: str, overrides: Mapping[str, Any]) -> tuple[Arm, ...]:
    """Put a preset and single settings on top of an experiment's arms.

    Args:
      arms: the experiment's.
      preset: a name in `env.environment_options.PRESETS`.
      overrides: values by field name of `EnvOptions` or `PPOConfig`, for all arms alike.

    Raises:
      ConfigError: an unknown preset, or an override of what the arms or their seeds differ in.
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset={preset!r} is unknown: choose one of {', '.join(PRESETS)}")
    for name in overrides:
        found = {getattr(arm.env if name in _ENV_NAMES else arm.ppo, name) for arm in arms}
        if len(found) > 1:
            raise ConfigError(f"{name} is what the arms of this experiment differ in: leave --{name} out")
    for name in PRESETS[preset]:
        if len({getattr(arm.env, name) for arm in arms}) > 1:
            raise ConfigError(
                f"preset={preset} sets {name}, in which the arms of this experiment differ: leave --preset out"
            )
    for arm in arms:
        by_flag, by_preset = (sorted(set(arm.by_seed) & set(settings)) for settings in (overrides, PRESETS[preset]))
        if by_flag:
            raise ConfigError(f"{by_flag[0]} is what the seeds of arm {arm.name} differ in: leave --{by_flag[0]} out")
        if by_preset:
            raise ConfigError(
                f"preset={preset} sets {by_preset[0]}, in which the seeds of arm {arm.name} differ: leave --preset out"
            )
    return tuple(_with_settings(arm, {**PRESETS[preset], **overrides}) for arm in arms)


def _with_settings(arm: Arm, settings: Mapping[str, Any], **fields: Any) -> Arm:
    """The arm with these values of `EnvOptions` and `PPOConfig`, by name, and with these fields of its own."""
    env = {name: value for name, value in settings.items() if name in _ENV_NAMES}
    ppo = {name: value for name, value in settings.items() if name not in _ENV_NAMES}
    fields |= {"env": dataclasses.replace(arm.env, **env), "ppo": dataclasses.replace(arm.ppo, **ppo)}
    return dataclasses.replace(arm, **fields)
