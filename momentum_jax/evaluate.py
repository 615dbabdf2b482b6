"""Entry point of `python -m momentum_jax.evaluate RUN_DIR --data_part=test`, which is in `cli.evaluate_command`."""

import sys

if __name__ == "__main__":
    from momentum_jax.cli.evaluate_command import PROGRAM, main
    from momentum_jax.processes.interruption import run_program

    sys.exit(run_program(PROGRAM, main))
