"""Entry point of dip analysis: `momentum_jax.dips.analyze`, and `python -m momentum_jax.dips FILE --good=up`."""

import sys

from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.dip_analysis import DipAnalysis, analyze
from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.reading import Reading, ReadOptions

__all__ = ["CurveSet", "DipAnalysis", "ReadOptions", "Reading", "analyze", "read_curves"]

if __name__ == "__main__":
    from momentum_jax.cli.dips_command import PROGRAM, main
    from momentum_jax.processes.interruption import run_program

    sys.exit(run_program(PROGRAM, main))
