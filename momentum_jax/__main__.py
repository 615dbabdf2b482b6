"""`python -m momentum_jax COMMAND …`, see `momentum_jax.cli.command`."""

import sys

from momentum_jax.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
