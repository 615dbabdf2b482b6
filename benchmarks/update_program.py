"""The vmapped update of tune2, traced from shapes alone and compiled for what is here or for an H100 that is not.

XLA compiles for a card by its description. The compiler comes with `pip install momentum-jax[cuda]`, which installs on
any machine. Without the card no kernels can be timed against each other, so all products are Triton's; on the card
itself some are cuBLAS's, which makes 1 % more or fewer launches.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

from momentum_jax.env.momentum import Momentum
from momentum_jax.fields import without_unused
from momentum_jax.networks import backend
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import MATMUL_PRECISIONS
from momentum_jax.ppo.streams import from_numbers, stream_numbers
from momentum_jax.ppo.traced_config import PPOConfig

# What XLA's compiler wants to know of an NVIDIA H100 SXM, by the names of its description of a device.
_H100 = {
    "threads_per_block_limit": 1024,
    "threads_per_warp": 32,
    "shared_memory_per_block": 48 * 1024,
    "shared_memory_per_block_optin": 227 * 1024,
    "shared_memory_per_core": 228 * 1024,
    "threads_per_core_limit": 2048,
    "core_count": 132,
    "fpus_per_core": 128,
    "block_dim_limit_x": 2**31 - 1,
    "block_dim_limit_y": 2**16 - 1,
    "block_dim_limit_z": 2**16 - 1,
    "thread_dim_limit_x": 1024,
    "thread_dim_limit_y": 1024,
    "thread_dim_limit_z": 64,
    "memory_bandwidth": 3_350_000_000_000,
    "l2_cache_size": 50 * 1024**2,
    "clock_rate_ghz": 1.98,
    "device_memory_size": 80 * 10**9,
    "registers_per_core_limit": 65_536,
    "registers_per_block_limit": 65_536,
    "device_address_bits": 64,
}
_NO_TIMING = {"xla_gpu_autotune_level": 0}


class Variant(NamedTuple):
    """One way to write the update's program."""

    task: Momentum = Momentum()
    config: PPOConfig = PPOConfig()
    choices: backend.Choices = backend.ACCELERATOR
    traced_with: Callable[[], AbstractContextManager[Any]] = nullcontext


def compiled(variant: Variant, num_runs: int, card: str | None) -> jax.stages.Compiled:
    """The update of `num_runs` runs for a card ("H100"), or for the first device here (None)."""
    device = h100() if card else jax.local_devices()[0]
    return lowered(variant, num_runs, device).compile(compiler_options=_NO_TIMING if card else None)


def lowered(variant: Variant, num_runs: int, device: Any) -> jax.stages.Lowered:
    """The update as `training.engine` maps it over runs, before it is compiled."""
    from momentum_jax.env.environment_options import EnvOptions
    from momentum_jax.env.momentum import make_market
    from momentum_jax.market.dataset import load_segment
    from momentum_jax.market.market_options import MarketConfig

    task = variant.task
    shared = _shapes(make_market([load_segment(MarketConfig())]))
    config, options = (_by_run(without_unused([one])[0], num_runs) for one in (variant.config, EnvOptions()))
    numbers = _by_run(stream_numbers(0), num_runs)

    def init(shared: Any, config: Any, options: Any, numbers: Any) -> Any:
        return learner.init(task, config, task.bind(shared, options), from_numbers(numbers))

    def update(shared: Any, config: Any, options: Any, total_updates: Any, state: Any) -> Any:
        with jax.default_matmul_precision(MATMUL_PRECISIONS[config.matmul_precision]):
            return learner.update(task, config, task.bind(shared, options), total_updates, state)

    states = jax.eval_shape(jax.vmap(init, in_axes=(None, 0, 0, 0)), shared, config, options, numbers)
    placed = SingleDeviceSharding(device)
    mapped = jax.jit(
        jax.vmap(update, in_axes=(None, 0, 0, None, 0)), in_shardings=placed, out_shardings=placed, donate_argnums=4
    )
    with backend.assumed(variant.choices), variant.traced_with():
        return mapped.lower(shared, config, options, jax.ShapeDtypeStruct((), jnp.int32), states)


def h100() -> Any:
    """An H100 to compile for.

    Raises:
      RuntimeError: JAX's compiler for NVIDIA's cards is not installed.
    """
    from jax.experimental import topologies

    facts = [*(f"{name}: {value}" for name, value in _H100.items()), "cuda_compute_capability { major: 9 }"]
    description = f"""
        gpu_device_info {{ {" ".join(facts)} }}
        platform_name: "CUDA"
        dnn_version_info {{ major: 9 minor: 10 }}
        device_description_str: "NVIDIA H100 80GB HBM3"
    """
    try:
        found = topologies.get_topology_desc(platform="cuda", target_config=description, topology="1x1x1")
    except (NotImplementedError, RuntimeError) as error:
        raise RuntimeError(
            f"cannot compile for an H100 ({error}): pip install 'momentum-jax[cuda]', which needs no card"
        ) from error
    return found.devices[0]


def _shapes(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), tree)


def _by_run(tree: Any, num_runs: int) -> Any:
    """Shapes of what each run has its own of: numbers are float32, but for switches and the streams' integers."""

    def stacked(leaf: Any) -> jax.ShapeDtypeStruct:
        array = np.asarray(leaf)
        kind = array.dtype if array.dtype in (np.bool_, np.uint32) else np.float32
        return jax.ShapeDtypeStruct((num_runs, *array.shape), kind)

    return jax.tree.map(stacked, tree)
