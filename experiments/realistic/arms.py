"""The arms: tune2's learner with prices that are right, what is taken away from that, and the controls."""

from __future__ import annotations

import dataclasses

from momentum_jax.config import Arm, EnvOptions
from momentum_jax.env.environment_options import PRESETS, SHAPING_REWARDS
from momentum_jax.ppo.hyper_parameters import PPOConfig

from .. import tune2

# The study was declared and run before the preset took the step of strikes from the symbol.
REALISTIC = Arm(name="realistic", env=EnvOptions(**{**PRESETS["realistic"], "strike_step": 1.0}))
WITHOUT_COSTS = dataclasses.replace(
    REALISTIC,
    name="without_costs",
    env=dataclasses.replace(REALISTIC.env, half_spread=0.0, half_spread_minimum=0.0, commission=0.0),
)
TUNE2_REWARDS = {name: getattr(EnvOptions(), name) for name in (*SHAPING_REWARDS, "tier_weight")}
SHAPED = dataclasses.replace(
    REALISTIC, name="shaped", env=dataclasses.replace(REALISTIC.env, account_value_weight=0.0, **TUNE2_REWARDS)
)
TUNE2 = tune2.ARM


def permuted(arm: Arm) -> Arm:
    """The same environment with the rewards of each rollout in random order, so that nothing is left to learn."""
    return dataclasses.replace(arm, name=f"permuted_{arm.name}", ppo=PPOConfig(permute_rewards=True))


PERMUTED, PERMUTED_SHAPED, PERMUTED_TUNE2 = (permuted(arm) for arm in (REALISTIC, SHAPED, TUNE2))
