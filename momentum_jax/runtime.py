"""Starts JAX's backend the way this project wants it. Call before anything else imports JAX's arrays or gymnax."""

from __future__ import annotations

import os
from pathlib import Path

# One thread per product: each CPU device has a core of its own, and the products are small.
_CPU_FLAGS = "--xla_cpu_multi_thread_eigen=false"
_LAPACK_THREADS = "OPENBLAS_NUM_THREADS"
CACHE_VARIABLE = "MOMENTUM_JAX_CACHE"


def start(num_devices: int | None = None) -> None:
    """Set the number of CPU devices (default: one per core) and the persistent compilation cache.

    Has to run before the backend starts, which `import gymnax` already does; harmless where an accelerator is
    found. The cache lies in the user's cache directory, or where MOMENTUM_JAX_CACHE says.
    """
    _load_lapack()
    os.environ["XLA_FLAGS"] = f"{_CPU_FLAGS} {os.environ.get('XLA_FLAGS', '')}".strip()
    import jax

    jax.config.update("jax_num_cpu_devices", num_devices or os.cpu_count() or 1)
    # Accelerators would take TF32. `PPOConfig.matmul_precision` may ask the engine's programs for less.
    jax.config.update("jax_default_matmul_precision", "highest")
    jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def _load_lapack() -> None:
    """Load the LAPACK that JAX borrows from SciPy, with one thread unless the user says otherwise.

    Its threads spin while they wait for each other. Where other threads want the cores, XLA's own among them, the
    factorisation of an initial layer then takes up to 200 ms instead of 1 ms.
    """
    import numpy  # noqa: F401  NumPy has a library of its own, which reads the variable too: that one keeps its threads

    given = os.environ.get(_LAPACK_THREADS)
    os.environ[_LAPACK_THREADS] = given or "1"
    import scipy.linalg.cython_lapack  # noqa: F401

    if given is None:
        del os.environ[_LAPACK_THREADS]


def cache_dir() -> Path:
    """The user's cache directory for this project."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(CACHE_VARIABLE) or base / "momentum_jax")
