"""`python -m momentum_jax COMMAND …`, see `momentum_jax.command`."""

import sys

from momentum_jax.command import main

if __name__ == "__main__":
    sys.exit(main())
