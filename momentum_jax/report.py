"""Entry point of `python -m momentum_jax.report RUN`, which is in `cli.report_command`."""

import sys

from momentum_jax.cli.report_command import main
from momentum_jax.processes.interruption import run_program

if __name__ == "__main__":
    sys.exit(run_program("momentum_jax.report", main))
