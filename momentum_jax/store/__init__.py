"""The run directory: write it during training, open it afterwards as one dataset.

    runs/<name>/
      config.json                        written once, when the run starts
      diagnostics/step_00005000.npz      one per checkpoint, arrays [arm, seed, ...]
      policies/final_<arm>.npz           final parameters, arrays [seed, ...]
      log.txt

Every file is written under a temporary name in its own folder and renamed, so that a
file either is whole or is not there. Nothing is pickled, and nothing here imports jax.
"""

from momentum_jax.store.config import read_config
from momentum_jax.store.files import RunDirectoryError, write_atomic
from momentum_jax.store.read import load_policies, load_run
from momentum_jax.store.write import append_log, create_run, write_checkpoint, write_policies

__all__ = [
    "RunDirectoryError",
    "append_log",
    "create_run",
    "load_policies",
    "load_run",
    "read_config",
    "write_atomic",
    "write_checkpoint",
    "write_policies",
]
