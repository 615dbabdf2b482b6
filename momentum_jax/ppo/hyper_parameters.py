"""Hyper-parameters of the learner. Imports no JAX; `ppo.traced_config` makes the class a pytree."""

from __future__ import annotations

import dataclasses
import math

from momentum_jax import lookup
from momentum_jax.field_checks import check_fields, convert_fields
from momentum_jax.fields import ConfigError, static, traced
from momentum_jax.networks.table import NETWORKS
from momentum_jax.ppo.optimizer_table import OPTIMIZERS

ACTIVATIONS = ("tanh", "relu")
# Precision of matrix products by name, and what JAX calls it. CPUs always compute them in float32.
MATMUL_PRECISIONS = {"float32": "highest", "tf32": "tensorfloat32", "bfloat16": "BF16_BF16_F32"}
# What a minibatch is made of: single transitions; whole sequences; a slice of the rollout, rotated again in each epoch.
MINIBATCHING = ("auto", "shuffle", "sequences", "rotation")
# A seed's random streams, in the order of the constants that tell them apart: append only.
STREAMS = ("init", "action", "minibatch", "market")
# Where a study holds a stream fixed, every seed draws it from this one.
FIXED_STREAM_SEED = 0x5EED
# Where an arm redraws a stream, seed s draws it as seed s + 2³⁰ would, which no run uses beside s.
REDRAWN_SEED_OFFSET = 2**30


@dataclasses.dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Defaults are those of the published run tune2."""

    learning_rate: float = traced(3e-5, "the optimiser's step size", minimum=0.0)
    anneal_learning_rate: bool = traced(
        False, "let the learning rate fall linearly to zero over the run", free_when_off=True
    )
    anneal_clip_range: bool = traced(
        False, "let the clipping range fall linearly to zero over the run", free_when_off=True
    )
    gamma: float = traced(0.92, "discount factor", minimum=0.0, maximum=1.0)
    gae_lambda: float = traced(0.95, "decay of generalised advantage estimation", minimum=0.0, maximum=1.0)
    clip_range: float = traced(0.2, "clipping of the probability ratio", minimum=0.0)
    ent_coef: float = traced(0.08, "weight of the entropy bonus", minimum=0.0)
    vf_coef: float = traced(0.5, "weight of the mean squared value error", minimum=0.0)
    max_grad_norm: float = traced(0.5, "largest global norm of a gradient", minimum=0.0)
    adam_eps: float = traced(1e-5, "epsilon of Adam, and of other optimisers that have one", minimum=0.0)
    normalize_advantage: bool = traced(True, "normalise advantages within each minibatch")
    critic_only_updates: int = traced(
        0, "first updates, in which only the critic learns", minimum=0, free_when_off=True
    )
    permute_rewards: bool = traced(
        False, "learn from rewards permuted within each rollout, as a control", free_when_off=True
    )
    initial_action_bias: float = traced(0.0, "added to the initial bias of action 0, in logits", free_when_off=True)
    action_mask: bool = traced(
        True,
        "sample only legal actions; without the mask the policy may choose any, and the environment answers it",
        free_when_off=True,
    )
    num_envs: int = static(1, "environments of a run, stepped together", minimum=1)
    num_steps: int = static(512, "steps of each environment between updates", minimum=1)
    num_epochs: int = static(10, "passes over a rollout", minimum=1)
    minibatch_size: int = static(64, "transitions of a minibatch", minimum=2)
    normalize_observations: bool = static(
        False, "subtract the running mean from observations, divide by their running standard deviation, clip to ±10"
    )
    normalize_rewards: bool = static(
        False, "learn from rewards over the running standard deviation of the discounted return, within ±10"
    )
    minibatching: str = static(
        "auto",
        "order of a rollout's transitions: shuffle single ones (a network without memory), shuffle sequences, or take "
        "slices of a random rotation, as the reference recurrent learner; auto shuffles",
        choices=MINIBATCHING,
    )
    network: str = static("towers", f"{', '.join(NETWORKS)}, or your own: path/to/file.py:Class")
    optimizer: str = static("adam", f"{', '.join(OPTIMIZERS)}, or another: optax:name or path/to/file.py:name")
    hidden_sizes: tuple[int, ...] = static((64, 64), "widths of the hidden layers of either tower", minimum=1)
    lstm_size: int = static(256, "units of each memory of lstm and gru", minimum=1)
    activation: str = static("tanh", "activation of the hidden layers", choices=ACTIVATIONS)
    matmul_precision: str = static(
        "float32", "precision of matrix products on an accelerator", choices=tuple(MATMUL_PRECISIONS)
    )

    def __post_init__(self) -> None:
        convert_fields(self, static_only=True)

    def validate(self) -> None:
        """Raises ConfigError. Not done on construction, since inside jit the traced fields are tracers."""
        check_fields(self)
        lookup.check("network", self.network, NETWORKS)
        lookup.check("optimizer", self.optimizer, OPTIMIZERS)
        if not self.hidden_sizes:
            raise ConfigError("hidden_sizes is empty: name at least one width, e.g. 64,64")
        if self.rollout_size % self.minibatch_size:
            raise ConfigError(
                f"num_steps={self.num_steps} × num_envs={self.num_envs} = {self.rollout_size} transitions do not "
                f"divide into minibatches of minibatch_size={self.minibatch_size}: {self._fitting_sizes()}"
            )

    def _fitting_sizes(self) -> str:
        """What to write in place of a size that does not divide the rollout."""
        if self.rollout_size == 1:
            return f"collect more than one, such as num_steps={self.minibatch_size}"
        size, wanted = self.rollout_size, self.minibatch_size
        lower = [each for each in range(1, math.isqrt(size) + 1) if size % each == 0]
        divisors = [each for each in (*lower, *(size // each for each in lower)) if each > 1]
        nearest = min(divisors, key=lambda each: max(each / wanted, wanted / each))
        return f"give a divisor of {size}, such as minibatch_size={nearest}"

    @property
    def rollout_size(self) -> int:
        """Environment steps between two updates."""
        return self.num_steps * self.num_envs

    @property
    def num_minibatches(self) -> int:
        return self.rollout_size // self.minibatch_size
