"""`python -m momentum_jax.report RUN [RUN…]`: report of each run, or with --claims verdicts. Imports no JAX."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from momentum_jax.analysis.claim_report import SOURCES, write_claims
from momentum_jax.analysis.report import write_report


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="momentum_jax.report", description="Report of finished or running runs.")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run directory; several are compared on common seeds")
    parser.add_argument("--claims", choices=SOURCES, help="judge these claims and write report/claims.csv")
    options = parser.parse_args(arguments)
    try:
        if options.claims:
            print(write_claims(options.runs, options.claims), end="")
        else:
            for run in options.runs:
                print(write_report(run))
    except ValueError as error:
        print(f"momentum_jax.report: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
