"""The run directory: write it during training, open it afterwards as one dataset.

    runs/<name>/
      config.json                        written once, when the run starts
      diagnostics/step_00005000.npz      one per checkpoint, arrays [arm, seed, ...]
      policies/final_<arm>.npz           final parameters, arrays [seed, ...]
      state/update_00000196/             what a run is resumed from, the newest two
      lock                               who is writing, while somebody is
      log.txt

Where several processes train, each writes the seeds of its share in files of its own
(step_00005000.0of2.npz); readers join them.

Every file is written under a temporary name in its own folder and renamed, so that a
file either is whole or is not there. Nothing is pickled, and nothing here imports jax.
"""

from momentum_jax.run_directory.atomic_files import (
    STATE_NAME,
    WHOLE,
    RunDirectoryError,
    Share,
    read_arrays,
    write_arrays,
    write_atomic,
)
from momentum_jax.run_directory.config_json import is_finished, is_run, read_config, shares, version_text
from momentum_jax.run_directory.leftovers import remove_leftovers
from momentum_jax.run_directory.reader import complete_steps, failed_seeds, load_policies, load_run, load_seed_policy
from momentum_jax.run_directory.run_diagnostics import diagnostics_in, diagnostics_of
from momentum_jax.run_directory.state_folders import new_state, states
from momentum_jax.run_directory.writer import (
    append_log,
    check_absent,
    create_run,
    replace_config,
    write_checkpoint,
    write_policy,
)
from momentum_jax.run_directory.writer_lock import locked

__all__ = [
    "STATE_NAME",
    "WHOLE",
    "RunDirectoryError",
    "Share",
    "append_log",
    "check_absent",
    "complete_steps",
    "create_run",
    "diagnostics_in",
    "diagnostics_of",
    "failed_seeds",
    "is_finished",
    "is_run",
    "load_policies",
    "load_run",
    "load_seed_policy",
    "locked",
    "new_state",
    "read_arrays",
    "read_config",
    "remove_leftovers",
    "replace_config",
    "shares",
    "states",
    "version_text",
    "write_arrays",
    "write_atomic",
    "write_checkpoint",
    "write_policy",
]
