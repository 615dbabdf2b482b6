"""Whether the range of curves is made by a value that nearly no other seed comes near: an error, or a run that broke.

A threshold that is a share of such a range says more of that value than of the curves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.inference.few_seeds import enough

Floats = npt.NDArray[np.float64]

_HALF = 0.5  # of the range: what is left without the value is less
_FEWEST_VALUES = 20  # from which one value has no part in what is usual
_SHARE = 0.05  # of the seeds that may reach as far, one at the least


class RangeOutlier(NamedTuple):
    """A value that makes the range."""

    place: tuple[int, ...]  # of the value
    spread: float  # range of the values without it, and without those of as few seeds that reach as far


def range_outlier(values: Floats) -> RangeOutlier | None:
    """The value that makes more than half of the range, where one does.

    Args:
        values: ``[arm, seed, K]``, or ``[arm, K]`` of mean curves; NaN is a missing value.
    """
    known = np.sort(values[~np.isnan(values)])
    if len(known) < _FEWEST_VALUES:
        return None
    low, high = float(known[0]), float(known[-1])
    left = {"low": min(high - known[1], _without_seeds(values, high)), "high": 0.0}
    left["high"] = min(known[-2] - low, _without_seeds(-values, -low))
    side = min(left, key=lambda name: left[name])
    if not left[side] < _HALF * (high - low):
        return None
    index = np.nanargmin(values) if side == "low" else np.nanargmax(values)
    place = tuple(int(each) for each in np.unravel_index(index, values.shape))
    return RangeOutlier(place, float(left[side]))


def _without_seeds(values: Floats, high: float) -> float:
    """The range below `high` without the lowest values of few seeds; infinite of too few seeds and of mean curves."""
    if values.ndim < 3:
        return np.inf
    lowest = np.where(np.isnan(values), np.inf, values).min(axis=-1)
    ordered = np.sort(lowest[np.isfinite(lowest)])
    return high - float(ordered[max(int(_SHARE * len(ordered)), 1)]) if enough(len(ordered)) else np.inf
