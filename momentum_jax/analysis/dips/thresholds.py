"""How deep a fall of each metric has to be to count as a dip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.dips.definition import SMALLEST_DIP
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.diagnostics.description import Metric

SMALLEST_DIP_SHARE = 0.05
"""Smallest depth that counts of what is no percentage and has no threshold of its own: share of the curve's range."""


def dip_threshold(metric: Metric, curve: npt.ArrayLike, errors: npt.ArrayLike | None = None) -> float:
    """Smallest depth that counts as a dip of a metric.

    Args:
        metric: its own threshold decides where it has one.
        curve: values of a run, every arm, seed and checkpoint, whose range decides where the metric is no percentage.
        errors: their standard errors where these are recorded; nothing below `noise_floor` of them counts.

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
    return max(SMALLEST_DIP_SHARE * spread, noise_floor(errors)) if spread > 0 else np.inf


def noise_floor(errors: npt.ArrayLike | None) -> float:
    """What a difference of two checkpoints exceeds with 5 % where nothing has changed, by the median standard error.

    A maximum over many checkpoints is larger still: whether a seed's own fall is more than noise is another question,
    see `noise_table`. 0 where no standard error is known.
    """
    known = np.asarray([] if errors is None else errors, np.float64)
    known = known[np.isfinite(known)]
    return float(stats.norm.ppf(1 - LEVEL / 2) * np.sqrt(2) * np.median(known)) if len(known) else 0.0


def has_common_threshold(metric: Metric) -> bool:
    """Whether `SMALLEST_DIP` decides, and neither the metric's own threshold nor the range of its curve."""
    return metric.dip_threshold is None and metric.is_percentage


def threshold_in_words(metric: Metric, threshold: float, floor: float = 0.0) -> str:
    """``5 points``, ``0.4 reward, 5 % of its range``, ``9 reward, its noise floor``; `floor` as of `noise_floor`."""
    if not np.isfinite(threshold):
        return "none, for it never changes"
    unit = "points" if metric.is_percentage else metric.unit
    least = f"{threshold:.4g}" if unit == "1" else f"{threshold:.4g} {unit}"
    derived = metric.dip_threshold is None and not metric.is_percentage
    if not derived:
        return least
    return (
        f"{least}, its noise floor" if threshold <= floor else f"{least}, {100 * SMALLEST_DIP_SHARE:g} % of its range"
    )
