"""The roof: how fast this machine multiplies float32 matrices, and how many operations one environment step takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import jax
import numpy as np

from momentum_jax.env import observation_layout
from momentum_jax.ppo.hyper_parameters import PPOConfig

REPEATS = 8


def chains(size: int = 1024) -> tuple[Callable[[], None], float]:
    """Large float32 products, one chain on each device at once, and the operations of all chains together."""
    devices = jax.local_devices()
    matrices = [jax.device_put(np.eye(size, dtype=np.float32) * 0.5, device) for device in devices]

    @jax.jit
    def chain(x: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 8, lambda _, y: y @ x, x)

    def multiply() -> None:
        jax.block_until_ready([chain(matrix) for matrix in matrices])

    return multiply, len(devices) * 8 * 2 * size**3


def gflops() -> float:
    """Best rate of large float32 products, in GFLOP/s of all devices together."""
    multiply, operations = chains()
    multiply()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - started)
    return operations / min(seconds) / 1e9


def flops_per_step(config: PPOConfig, num_actions: int = 6) -> float:
    """Floating-point operations of matrix products for one environment step, as the program executes them.

    Acting needs the policy tower once and both towers once more for values and log-probabilities; each epoch a
    forward pass, the weights' gradients and the inputs' gradients of all layers but the first. The first layer
    acts on the compact features. Element-wise work, the optimiser and the environment are not counted.
    """
    features = observation_layout.INPUT_COUNTS.size
    sizes = config.hidden_sizes
    hidden = sum(a * b for a, b in pairwise(sizes))
    first, policy, value = features * sizes[0], hidden + sizes[-1] * num_actions, hidden + sizes[-1]
    forward = 2 * (2 * first + policy + value)
    backward = forward + 2 * (policy + value)
    acting = 2 * (first + policy)
    return acting + forward + config.num_epochs * (forward + backward)
