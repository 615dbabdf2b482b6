"""The published recurrent run as the benchmarks time it, and what its products take. Imports no JAX."""

from __future__ import annotations

from itertools import pairwise

from momentum_jax.ppo.hyper_parameters import PPOConfig

GATES = {"lstm": 4, "gru": 3}


def config(network: str) -> PPOConfig:
    """The sizes and minibatches of v3, and its lack of a mask."""
    return PPOConfig(
        network=network, hidden_sizes=(128, 64), minibatching="rotation", minibatch_size=128, action_mask=False
    )


def flops_per_step(config: PPOConfig, num_features: int, num_actions: int = 6) -> float:
    """Floating-point operations of matrix products for one environment step, as the program executes them.

    Acting takes both memories and the policy's tower, values and log-probabilities both sides once more; each epoch a
    forward pass, the weights' gradients, and the inputs' gradients of all but the inputs' kernel. Elementwise work, the
    optimiser and the environment are not counted.
    """
    units, gates = config.lstm_size, GATES[config.network] * config.lstm_size
    entering, returning = 2 * num_features * gates, 2 * units * gates
    hidden = sum(a * b for a, b in pairwise((units, *config.hidden_sizes)))
    policy, value = hidden + config.hidden_sizes[-1] * num_actions, hidden + config.hidden_sizes[-1]
    forward = 2 * (entering + returning + policy + value)
    backward = forward + 2 * (returning + policy + value)
    acting = 2 * (entering + returning + policy)
    return acting + forward + config.num_epochs * (forward + backward)
