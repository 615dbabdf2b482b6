"""Tune2's learner in the realistic environment: all of it, without costs, and with the reference's rewards.

The three arms share prices, sessions, fills and observations, so they train side by side. `shaped` is rewarded as
tune2 was, by tiers, bonuses and penalties, and not by the change of the account's value.
"""

from __future__ import annotations

import dataclasses

from momentum_jax.config import Arm, EnvOptions, Experiment
from momentum_jax.env.environment_options import PRESET_MARKETS, PRESETS, SHAPING_REWARDS

REALISTIC = Arm(name="realistic", env=EnvOptions(**PRESETS["realistic"]))
WITHOUT_COSTS = dataclasses.replace(
    REALISTIC,
    name="without_costs",
    env=dataclasses.replace(REALISTIC.env, half_spread=0.0, half_spread_minimum=0.0, commission=0.0),
)
TUNE2_REWARDS = {name: getattr(EnvOptions(), name) for name in (*SHAPING_REWARDS, "tier_weight")}
SHAPED = dataclasses.replace(
    REALISTIC, name="shaped", env=dataclasses.replace(REALISTIC.env, account_value_weight=0.0, **TUNE2_REWARDS)
)

EXPERIMENT = Experiment(
    name="realistic",
    description="Tune2's learner with prices that are right: whole, without costs, with tune2's rewards.",
    arms=(REALISTIC, WITHOUT_COSTS, SHAPED),
    market=PRESET_MARKETS["realistic"],
)
