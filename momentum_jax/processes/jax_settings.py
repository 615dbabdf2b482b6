"""JAX's own settings that change a run's numbers: which are fixed, which are recorded and must stay. No JAX on import.

A person sets them by environment variables, perhaps for another program. Those that define random numbers are fixed
(`fix`), so that a seed is the same everywhere; the others are written into config.json and compared on a resume.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from momentum_jax.fields import ConfigError

PRNG_IMPL = "threefry2x32"
# What `fix` sets: the definition of random numbers, and a check of shapes that the learner does not pass.
_FIXED: dict[str, Any] = {
    "jax_default_prng_impl": PRNG_IMPL,
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_numpy_rank_promotion": "allow",
}
# Training runs with these values alone.
_NEEDED: dict[str, Any] = {"jax_enable_x64": False, "jax_numpy_dtype_promotion": "standard", "jax_disable_jit": False}
# JAX's defaults of what may change the last digits.
_FREE: dict[str, Any] = {
    "jax_softmax_custom_jvp": False,
    "jax_allow_f16_reductions": True,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_level": "O2",
    "jax_memory_fitting_effort": 0.0,
}
_COMPILER_VARIABLES = ("XLA_FLAGS", "LIBTPU_INIT_ARGS", "NVIDIA_TF32_OVERRIDE")
# Flags of XLA that this program sets itself: one thread per product, since each CPU device has a core of its own.
OWN_XLA_FLAGS = ("--xla_cpu_multi_thread_eigen=false",)
# On NVIDIA's cards whole loops are handed to the device as one graph, in which a kernel waits for those alone whose
# results it needs; the kernels stay the same.
OWN_CUDA_FLAGS = (
    "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUDNN,WHILE,CONDITIONAL,DYNAMIC_SLICE_FUSION",
    "--xla_gpu_graph_min_graph_size=2",
    "--xla_gpu_command_buffer_scheduling_mode=CONCURRENT",
)
# Options to compile a GPU's program with when it runs seldom: no kernels are timed against each other, which takes
# longer than the fastest would save, and what is chosen depends on nothing else. Products are cuBLAS's.
UNTIMED_GPU_OPTIONS: dict[str, str | bool] = {"xla_gpu_autotune_level": "0", "xla_gpu_enable_triton_gemm": False}
_HARMLESS_XLA_FLAGS = ("--xla_dump", "--xla_force_host_platform_device_count")

# What a run is taken to have had that was begun before its settings were recorded.
_DEFAULTS: dict[str, Any] = _FIXED | _NEEDED | _FREE | dict.fromkeys(_COMPILER_VARIABLES, "")


def fix() -> None:
    """Set what defines random numbers, whatever the environment says. Imports JAX."""
    import jax

    for name, value in _FIXED.items():
        jax.config.update(name, value)


def current() -> dict[str, Any]:
    """Every setting that can change a run's numbers, as plain values. Imports JAX."""
    import jax

    found = {name: getattr(jax.config, name) for name in _FIXED | _NEEDED | _FREE if hasattr(jax.config, name)}
    variables = {name: os.environ.get(name, "") for name in _COMPILER_VARIABLES}
    variables["XLA_FLAGS"] = " ".join(flag for flag in variables["XLA_FLAGS"].split() if not _is_harmless(flag))
    return {name: _plain(value) for name, value in found.items()} | variables


def check_needed(settings: Mapping[str, Any]) -> None:
    """Raises ConfigError for a setting with which nothing can be trained."""
    for name, needed in _NEEDED.items():
        if settings[name] != needed:
            raise ConfigError(f"{name} is {settings[name]}, training needs {needed}: {_remedy(name, needed)}")


def check_same(run_dir: Any, recorded: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> None:
    """Compare present settings with those that a run recorded, None where it was begun before they were recorded.

    Raises:
      ConfigError: naming the first that differs, both values and what to do.
    """
    before = _DEFAULTS | dict(recorded or {})
    for name, value in settings.items():
        if before.get(name, value) != value:
            remedy = "" if name in _FIXED else f"{_remedy(name, before[name])}, or "
            raise ConfigError(
                f"{run_dir} was begun with {name}={before[name]!r}, now it is {value!r}, which changes its numbers: "
                f"{remedy}start a new run"
            )


def ignored() -> Iterator[str]:
    """One line for each variable of the environment that `fix` has overruled."""
    for name, value in _FIXED.items():
        given = os.environ.get(name.upper())
        if given is not None and given.lower() not in _spellings(value):
            yield f"{name.upper()}={given} is not used: every run is computed with {value}"


def _is_harmless(flag: str) -> bool:
    return flag in OWN_XLA_FLAGS + OWN_CUDA_FLAGS or flag.startswith(_HARMLESS_XLA_FLAGS)


def _plain(value: Any) -> Any:
    """JAX's enumerations as their values."""
    return value if isinstance(value, bool | int | float | str) else str(getattr(value, "value", value))


def _remedy(name: str, value: Any) -> str:
    if value == "":
        return f"unset {name}"
    return f"set {name.upper()}={int(value) if isinstance(value, bool) else repr(value)}"


def _spellings(value: Any) -> tuple[str, ...]:
    """How an environment variable may give a value, in lower case."""
    if isinstance(value, bool):
        return ("1", "true", "yes", "y", "t", "on") if value else ("0", "false", "no", "n", "f", "off")
    return (str(value).lower(),)
