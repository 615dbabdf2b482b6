"""The rival explanation of the dip: trims leave the cost as it was, so the stop fires one step after each."""

import dataclasses

from experiments import tune2
from momentum_jax.config import Arm, Experiment
from momentum_jax.env.options import EnvOptions

REFERENCE = dataclasses.replace(tune2.ARM, name="reference")
MENDED = Arm(name="trim_reduces_cost", env=EnvOptions(trim_reduces_cost=True))

EXPERIMENT = Experiment(
    name="trim_trap", description="Tune2 with and without the trim that leaves the cost.", arms=(REFERENCE, MENDED)
)
