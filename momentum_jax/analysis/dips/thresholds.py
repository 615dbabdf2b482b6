"""How deep a fall of each metric has to be to count as a dip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.definition import SMALLEST_DIP
from momentum_jax.diagnostics.description import Metric

SMALLEST_DIP_SHARE = 0.05
"""Smallest depth that counts of what is no percentage and has no threshold of its own: share of the curve's range."""


def dip_threshold(metric: Metric, curve: npt.ArrayLike) -> float:
    """Smallest depth that counts as a dip of a metric.

    Args:
        metric: its own threshold decides where it has one.
        curve: values of a run, every arm, seed and checkpoint, whose range decides where the metric is no percentage.

    Returns:
        A number above 0 in the metric's unit (points of a percentage); infinite where the curve never changes.
    """
    if metric.dip_threshold is not None:
        return metric.dip_threshold
    if metric.is_percentage:
        return SMALLEST_DIP
    values = np.asarray(curve, np.float64)
    known = values[np.isfinite(values)]
    spread = float(np.ptp(known)) if len(known) else 0.0
    return SMALLEST_DIP_SHARE * spread if spread > 0 else np.inf


def has_common_threshold(metric: Metric) -> bool:
    """Whether `SMALLEST_DIP` decides, and neither the metric's own threshold nor the range of its curve."""
    return metric.dip_threshold is None and metric.is_percentage


def threshold_in_words(metric: Metric, threshold: float) -> str:
    """``5 points``, ``0.4 reward, 5 % of its range``."""
    if not np.isfinite(threshold):
        return "none, for it never changes"
    unit = "points" if metric.is_percentage else metric.unit
    least = f"{threshold:.4g}" if unit == "1" else f"{threshold:.4g} {unit}"
    derived = metric.dip_threshold is None and not metric.is_percentage
    return f"{least}, {100 * SMALLEST_DIP_SHARE:g} % of its range" if derived else least
