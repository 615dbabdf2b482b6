"""The door of dip analysis: `momentum_jax.dips.analyze` for curves from anywhere."""

from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.dip_analysis import DipAnalysis, analyze

__all__ = ["CurveSet", "DipAnalysis", "analyze"]
