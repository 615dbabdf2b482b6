"""The first published run: weak bonuses, hardly any entropy; HOLD rose to 87 %."""

from momentum_jax.config import Arm, EnvOptions, Experiment, PPOConfig

ARM = Arm(
    name="baseline",
    env=EnvOptions(call_bonus=0.05, put_bonus=0.02, missed_penalty=-0.02, hold_tax=0.0, chase_penalty=-0.07),
    ppo=PPOConfig(ent_coef=0.02),
)

EXPERIMENT = Experiment(name="baseline", description="The first published run.", arms=(ARM,))
