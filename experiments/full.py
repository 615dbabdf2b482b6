"""Tune2's settings for 500 000 steps, as published."""

import dataclasses

from momentum_jax.config import Experiment

from . import tune2

ARM = dataclasses.replace(tune2.ARM, name="full")

EXPERIMENT = Experiment(name="full", description="Tune2 for 500 000 steps.", arms=(ARM,), timesteps=500_000)
