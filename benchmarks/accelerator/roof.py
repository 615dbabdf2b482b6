"""How fast the device multiplies and copies, measured, and how many bytes one environment step moves, counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from momentum_jax.env import observation_layout
from momentum_jax.ppo.hyper_parameters import MATMUL_PRECISIONS, PPOConfig

_TURNS = 8


def measure(size: int) -> dict[str, float]:
    """GFLOP/s of large products in float32 and TF32, GB/s of a large copy (read and written).

    The copy goes from one place in memory to another: in place, over what was read, cards are up to a fifth slower.
    """
    matrix = jnp.eye(size, dtype=jnp.float32) * 0.5
    found = {}
    for name in ("float32", "tf32"):
        with jax.default_matmul_precision(MATMUL_PRECISIONS[name]):
            product = jax.jit(lambda x: jax.lax.fori_loop(0, _TURNS, lambda _, y: y @ x, x))
            found[f"{name} GFLOP/s"] = _TURNS * 2 * size**3 / _seconds(product, matrix) / 1e9
    add_one, array = jax.jit(lambda x: x + 1.0), jnp.zeros((4, size, size), jnp.float32)
    found["copy GB/s"] = _TURNS * 2 * array.nbytes / _seconds(partial(_in_turns, add_one), array) / 1e9
    return found


def _in_turns(function: Callable[[Any], Any], argument: Any) -> Any:
    """The function of what it returned before, handed over without waiting."""
    for _ in range(_TURNS):
        argument = function(argument)
    return argument


def bytes_per_step(config: PPOConfig) -> float:
    """Bytes of weights, moments and gradients that one environment step moves through memory.

    A gradient step reads each weight for its product, writes its gradient, reads that for the norm, and reads four
    numbers and writes three of it in Adam: ten in all. Activations and features are not counted.
    """
    features, width = observation_layout.INPUT_COUNTS.size, config.hidden_sizes[0]
    hidden = sum(a * b for a, b in pairwise(config.hidden_sizes))
    weights = 2 * features * width + 2 * hidden
    return 4.0 * 10 * weights * config.num_epochs / config.minibatch_size


def _seconds(function: Callable[[Any], Any], argument: Any) -> float:
    """Fastest of four calls after one to warm up."""
    jax.block_until_ready(function(argument))
    times = []
    for _ in range(4):
        started = time.perf_counter()
        jax.block_until_ready(function(argument))
        times.append(time.perf_counter() - started)
    return min(times)
