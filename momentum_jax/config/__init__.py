"""What a run is, declared: an experiment's file needs nothing but this package. Imports no JAX."""

from momentum_jax.config.arms import Arm, resolve_arms
from momentum_jax.config.checkpoint_steps import default_checkpoints
from momentum_jax.config.declared_claims import Claim, Criterion
from momentum_jax.config.experiment import Experiment
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.ppo.hyper_parameters import PPOConfig

__all__ = [
    "Arm",
    "Claim",
    "Criterion",
    "EnvOptions",
    "Experiment",
    "PPOConfig",
    "RunConfig",
    "default_checkpoints",
    "resolve_arms",
]
