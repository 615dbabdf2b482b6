"""What an experiment's file declares: the arms of one run and what is claimed of them. Imports no JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from momentum_jax.config.arms import Arm, check_arms
from momentum_jax.config.declared_claims import Claim
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.field_checks import convert_fields
from momentum_jax.fields import unknown
from momentum_jax.market.market_options import MarketConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """The arms of one run, how long they train, and what is claimed of them before.

    Attributes:
      first_seed: number of the first seed; a study that confirms another one takes seeds that it did not use.
      checkpoints: environment steps to measure at; empty for the default list.
      other_arms: arms of other runs on the same seeds that its claims compare its own with, judged jointly.
      market: settings of `MarketConfig` that differ from the defaults.
      environment: its name, see `env.registry`; arms of another than `momentum` leave `Arm.env` out.
      eval_episodes, eval_max_steps, evaluate_every, record_probes: see `RunConfig`.

    Raises:
      ConfigError: a value of another type, no arm, two of one name, or an option that the market does not have.
    """

    name: str
    description: str
    arms: tuple[Arm, ...]
    timesteps: int = 100_000
    claims: tuple[Claim, ...] = ()
    num_seeds: int = 8
    first_seed: int = 0
    checkpoints: tuple[int, ...] = ()
    other_arms: tuple[str, ...] = ()
    market: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment: str = MOMENTUM_NAME
    eval_episodes: int = 0
    eval_max_steps: int | None = None
    evaluate_every: int = 0
    record_probes: int = 0

    def __post_init__(self) -> None:
        convert_fields(self)
        check_arms(self.arms)
        options = [field.name for field in dataclasses.fields(MarketConfig)]
        strange = next((name for name in self.market if name not in options), None)
        if strange is not None:
            raise unknown("market option", strange, options)
