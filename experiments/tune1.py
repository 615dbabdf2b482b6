"""The second published run: larger bonuses, a hold tax, more entropy."""

from momentum_jax.config import Arm, EnvOptions, Experiment, PPOConfig

ARM = Arm(
    name="tune1",
    env=EnvOptions(call_bonus=0.10, put_bonus=0.08, missed_penalty=-0.05, hold_tax=-0.001, chase_penalty=-0.03),
    ppo=PPOConfig(ent_coef=0.06),
)

EXPERIMENT = Experiment(name="tune1", description="The second published run.", arms=(ARM,))
