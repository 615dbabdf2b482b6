"""Tune2 with more entropy: proposed to remove the dip, never run."""

from momentum_jax.config import Arm, Experiment, PPOConfig

ARM = Arm(name="tune3", ppo=PPOConfig(ent_coef=0.10))

EXPERIMENT = Experiment(name="tune3", description="Tune2 with ent_coef 0.10.", arms=(ARM,))
