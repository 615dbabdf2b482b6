"""Starts JAX's backend the way this project wants it. Call before anything else imports JAX's arrays or gymnax."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import tempfile
from pathlib import Path

from momentum_jax.fields import ConfigError
from momentum_jax.processes import jax_settings, kernel_choices, machine
from momentum_jax.processes.paths import user_path

_LAPACK_THREADS = "OPENBLAS_NUM_THREADS"
_SET_LAPACK_THREADS = ("scipy_openblas_set_num_threads", "openblas_set_num_threads")  # in SciPy's wheels; elsewhere
CACHE_VARIABLE = "MOMENTUM_JAX_CACHE"


def start(num_devices: int | None = None, run_dir: Path | None = None) -> None:
    """Set the number of CPU devices (default: one per usable core), random numbers and the compilation cache.

    Has to run before the backend starts, which `import gymnax` already does; harmless where an accelerator is
    found. The cache lies in the user's cache directory, or where MOMENTUM_JAX_CACHE says.

    Args:
      num_devices: of a CPU.
      run_dir: a run to go on with, to compile it with the kernels that it was begun with.

    Raises:
      ConfigError: a variable of the environment with a value that JAX does not know.
    """
    _load_lapack()
    given = os.environ.get("XLA_FLAGS", "").split()
    own = jax_settings.OWN_XLA_FLAGS + (jax_settings.OWN_CUDA_FLAGS if _has_cuda() else ())
    os.environ["XLA_FLAGS"] = " ".join([*(flag for flag in own if flag not in given), *given])
    try:
        import jax
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"JAX does not start: {reason}: correct or unset the variable") from None

    jax.config.update("jax_num_cpu_devices", num_devices or machine.usable_cores())
    jax_settings.fix()
    # Accelerators would take TF32. `PPOConfig.matmul_precision` may ask the engine's programs for less.
    jax.config.update("jax_default_matmul_precision", "highest")
    jax.config.update("jax_compilation_cache_dir", str(kernel_choices.compilation_cache(cache_dir(), run_dir)))
    # Operations outside the programs, too: a hundred of them take 3 s to compile.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _has_cuda() -> bool:
    """Whether JAX's plugin for NVIDIA's cards is installed."""
    return any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))


def _load_lapack() -> None:
    """Load the LAPACK that JAX borrows from SciPy and leave it one thread, unless the user says otherwise.

    Its threads spin while they wait for each other. Where other threads want the cores, XLA's own among them, the
    factorisation of an initial layer then takes up to 200 ms instead of 1 ms.
    """
    from scipy.linalg import cython_lapack

    if os.environ.get(_LAPACK_THREADS):
        return
    library = ctypes.CDLL(cython_lapack.__file__)  # finds the names of the libraries that it needs, too
    for name in _SET_LAPACK_THREADS:
        if hasattr(library, name):
            getattr(library, name)(1)


def cache_dir() -> Path:
    """The user's cache directory for this project; a temporary one where there is no home folder to write to.

    Raises:
      ConfigError: MOMENTUM_JAX_CACHE names a folder that cannot be made.
    """
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        try:
            return _made(user_path(given, CACHE_VARIABLE))
        except OSError as error:
            raise ConfigError(f"{CACHE_VARIABLE}={given}: cannot be made ({error.strerror}): name another") from None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    with contextlib.suppress(OSError):
        if os.path.isabs(base):  # `~` stays where no home folder is known
            return _made(Path(base) / "momentum_jax")
    return Path(tempfile.gettempdir()) / f"momentum_jax-{os.getuid()}"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
