"""The published run with the dip at 10 000 steps. Its settings are the defaults of the configuration."""

from momentum_jax.config import Arm, Experiment

ARM = Arm(name="tune2")

EXPERIMENT = Experiment(name="tune2", description="The published run with the dip at 10 000 steps.", arms=(ARM,))
