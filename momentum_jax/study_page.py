"""Entry point of `python -m momentum_jax.study_page PAGE`, which is in `cli.study_command`."""

import sys

from momentum_jax.cli.study_command import main
from momentum_jax.processes.interruption import run_program

if __name__ == "__main__":
    sys.exit(run_program("momentum_jax.study_page", main))
