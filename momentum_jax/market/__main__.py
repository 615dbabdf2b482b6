"""Entry point of `python -m momentum_jax.market inspect`, which is in `cli.market_command`."""

import sys

from momentum_jax.cli.market_command import USAGE, main
from momentum_jax.processes import console
from momentum_jax.processes.interruption import run_program

if __name__ == "__main__":
    console.protect()
    sys.exit(run_program(USAGE, main))
