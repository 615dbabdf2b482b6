"""Whether the range of curves is made by values that stand alone in their curves: errors, or one broken evaluation.

A threshold that is a share of such a range says more of these values than of the curves. A seed that stays away for
several checkpoints is a dip or a collapse, however rare; what most seeds of an arm do at a checkpoint is how these
curves run, as is where a lone curve begins. None of these is an outlier.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from momentum_jax.analysis.curves.curve_set import CurveSet, Flags, Floats
from momentum_jax.analysis.report.formatting import compact

_HALF = 0.5  # of the range: what is left without the values is less
_FEWEST_VALUES = 20  # from which one value has no part in what is usual
_SHARE = 0.05  # of the seeds that may have such values on one side, and of the values of each: one at the least
_BENT = 0.25  # of the way to a value, by which its neighbour may have left its own neighbour towards it
_MOST_NAMED = 5


class RangeOutliers(NamedTuple):
    """Values that make the range."""

    number: int
    words: str  # which value, or how many of which seeds
    spread: float  # the range without them


def range_outliers(curves: CurveSet, of_mean: bool) -> RangeOutliers | None:
    """The values without which less than half of the range is left, where there are such.

    Args:
        curves: of all arms.
        of_mean: the range is that of the arms' mean curves.
    """
    alone = values_alone(curves.values)
    if not alone.any():
        return None
    left = range_of(np.where(alone, np.nan, curves.values), of_mean)
    if not 0 < left < _HALF * range_of(curves.values, of_mean):
        return None
    return RangeOutliers(int(alone.sum()), _in_words(curves, alone), left)


def range_of(values: Floats, of_mean: bool) -> float:
    """Largest less smallest of the values ``[arm, seed, K]``, or of each arm's mean over its seeds."""
    if of_mean:
        known = ~np.isnan(values)
        mean = np.nansum(values, axis=1) / np.maximum(known.sum(axis=1), 1)
        values = np.where(known.any(axis=1), mean, np.nan)
    return float(np.nanmax(values) - np.nanmin(values))


def values_alone(values: Floats) -> Flags:
    """Values ``[arm, seed, K]`` that make the range and stand alone in their curves; NaN is a missing value.

    They are taken out side by side until none is found, so that without them none is found either.
    """
    left, alone = values.copy(), np.zeros(values.shape, bool)
    while np.count_nonzero(~np.isnan(left)) >= _FEWEST_VALUES:
        sides = [side for side in (_low(left), _low(-left)) if side is not None]
        if not sides:
            break
        side = min(sides, key=lambda flags: range_of(np.where(flags, np.nan, left), of_mean=False))
        alone |= side
        left[side] = np.nan
    return alone


def _low(values: Floats) -> Flags | None:
    """Values in the lower half of the range, where these are few, stand alone, and make more than half of it."""
    low, known = values < (np.nanmin(values) + np.nanmax(values)) / 2, ~np.isnan(values)
    few_seeds = np.count_nonzero(low.any(axis=-1)) <= max(int(_SHARE * np.count_nonzero(known.any(axis=-1))), 1)
    few_of_each = (low.sum(axis=-1) <= np.maximum(_SHARE * known.sum(axis=-1), 1)).all()
    if not low.any() or not few_seeds or not few_of_each:
        return None
    if not range_of(np.where(low, np.nan, values), of_mean=False) < _HALF * range_of(values, of_mean=False):
        return None
    others = known.sum(axis=1, keepdims=True) - known  # [arm, seed, K] how many other seeds have a value there
    shared = (others > 0) & (2 * (low.sum(axis=1, keepdims=True) - low) >= others)
    begins = (known.cumsum(axis=-1) == 1) & known & (others == 0)
    if (low & (shared | begins)).any():
        return None
    seeds = np.argwhere(low.any(axis=-1))
    return low if all(_stand_alone(values[tuple(seed)], low[tuple(seed)]) for seed in seeds) else None


def _stand_alone(curve: Floats, low: Flags) -> bool:
    """Whether each low value of a curve ``[K]`` is the whole of its dip: its neighbours are where theirs are."""
    there = ~np.isnan(curve)
    known, of_known = curve[there], low[there]
    if (of_known[1:] & of_known[:-1]).any():
        return False
    lows = np.flatnonzero(of_known)
    return not any(_bends(known[k], known[:k][::-1][:2]) or _bends(known[k], known[k + 1 : k + 3]) for k in lows)


def _bends(value: float, side: Floats) -> bool:
    """Whether the nearest value on one side has left the next one towards this low value, and is part of its dip."""
    return len(side) > 1 and bool(side[1] - side[0] > _BENT * (side[0] - value))


def _in_words(curves: CurveSet, alone: Flags) -> str:
    """Such as ``-1e5 of seed 3, step 400``, or ``3 values of seed 3 and seed 5, such as -1e5 of seed 3, step 400``."""
    places = [tuple(int(each) for each in place) for place in np.argwhere(alone)]
    usual = np.median(curves.values[curves.known & ~alone])
    farthest = max(places, key=lambda place: abs(curves.values[place] - usual))
    one = f"{compact(float(curves.values[farthest]))} of {curves.place_in_words(farthest)}"
    if len(places) == 1:
        return one
    seeds = list(dict.fromkeys(curves.place_in_words(place).rpartition(", step ")[0] for place in places))
    more = [f"{len(seeds) - _MOST_NAMED} more"] if len(seeds) > _MOST_NAMED else []
    named = seeds[:_MOST_NAMED] + more
    which = " and ".join(filter(None, ["; ".join(named[:-1]), named[-1]]))
    return f"{len(places)} values of {which}, the farthest {one}"
