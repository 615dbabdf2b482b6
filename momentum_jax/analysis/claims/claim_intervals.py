"""The interval that decides a claim: of few seeds too, and of depths that are rare and large.

Eight seeds without a dip do not show that the mean depth is at most 0.5: if 5 % of seeds dip by 20 it is 1, and eight
seeds have no such one in 66 % of studies. So the interval of a mean depth allows for seeds unlike those that were drawn
(see `inference.bounded`), anywhere between no fall and all the room that a curve had. A depth is the largest of many
falls and has a long tail; levels and changes are no maxima and have BCa intervals, and shares of seeds score intervals.

A point, which seeds that are all alike give, decides nothing. An arm with learning rate 0 is another matter: it cannot
vary, so that the number all its seeds have is the number.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.inference.bounded import bounded_mean_interval
from momentum_jax.analysis.inference.intervals import Interval, is_constant, mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.paired import compare_means, compare_shares
from momentum_jax.analysis.inference.verdict import CANNOT_VARY
from momentum_jax.diagnostics.description import Metric

Floats = npt.NDArray[np.float64]

PERCENTAGE = (0.0, 100.0)
LARGEST_DEPTH = 100.0  # of a percentage, points


def level_interval(
    values: npt.ArrayLike, versus: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> tuple[Interval, int]:
    """Mean level or change over seeds, BCa, and how many seeds have it.

    Args:
        values: ``[seed]`` points; NaN is left out.
        versus: ``[seed]``, the same seeds of the arm to subtract; None to judge the arm by itself.
        confidence: coverage.
    """
    if versus is None:
        return mean_interval(values, confidence), int((~np.isnan(np.asarray(values, np.float64))).sum())
    found = compare_means(values, versus, confidence)
    return found.difference, found.pairs


def share_interval(
    values: npt.ArrayLike, versus: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> tuple[Interval, int]:
    """Percentage of seeds, Wilson's or of two arms Newcombe's, and how many there are; arguments as `level_interval`.

    Values are 1 and 0.
    """
    if versus is None:
        number = np.asarray(values, np.float64)
        seeds = int((~np.isnan(number)).sum())
        share = wilson_interval(int(np.nansum(number)), seeds, confidence)
    else:
        found = compare_shares(values, versus, confidence)
        share, seeds = found.difference, found.pairs
    return Interval(100 * share.estimate, 100 * share.low, 100 * share.high, share.flag), seeds


def depth_interval(
    values: npt.ArrayLike,
    room: float = LARGEST_DEPTH,
    versus: npt.ArrayLike | None = None,
    versus_room: float = LARGEST_DEPTH,
    confidence: float = CONFIDENCE,
) -> tuple[Interval, int]:
    """Mean depth over seeds, valid where a few seeds in a hundred are much deeper, and how many seeds have it.

    Args:
        values: ``[seed]`` points, 0 or more; NaN is left out.
        room: the deepest that a seed of the arm can have, as `room_to_fall` gives it.
        versus: ``[seed]``, the same seeds of the arm to subtract; None to judge the arm by itself.
        versus_room: the same of that arm.
        confidence: coverage.
    """
    depth = np.asarray(values, np.float64)
    least = 0.0
    if versus is not None:
        depth, least = depth - np.asarray(versus, np.float64), -versus_room
    return bounded_mean_interval(depth, least, room, confidence), int((~np.isnan(depth)).sum())


def bounds_of(metric: Metric, curve: npt.ArrayLike) -> tuple[float, float]:
    """Between what the values of a metric lie.

    Args:
        metric: its own bounds decide; of a percentage they are 0 and 100.
        curve: values of a run, every arm, seed and checkpoint: where the metric has no bound, what was seen is taken
            for it. Then an interval allows for a seed that falls through all of what was seen, and for none deeper.
    """
    if metric.is_percentage:
        return PERCENTAGE
    values = np.asarray(curve, np.float64)
    known = values[np.isfinite(values)]
    seen = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    lowest = seen[0] if metric.lowest is None else metric.lowest
    return lowest, seen[1] if metric.highest is None else metric.highest


def room_to_fall(
    env_steps: npt.ArrayLike,
    curve: npt.ArrayLike,
    sign: int,
    horizon: float,
    baseline_step: float = 0,
    bounds: tuple[float, float] = PERCENTAGE,
) -> float:
    """How deep a curve could have fallen from the best point that any of the seeds reached.

    Args:
        env_steps: ``[K]``.
        curve: ``[seed, K]``, within the bounds.
        sign: +1 where up is good, -1 where down is good.
        horizon: last step looked at.
        baseline_step: first step looked at.
        bounds: least and greatest value, see `bounds_of`.
    """
    steps, values = np.asarray(env_steps), np.asarray(curve, np.float64)
    seen = values[:, (steps >= baseline_step) & (steps <= horizon)]
    seen = seen[~np.isnan(seen)]
    lowest, highest = bounds
    if not len(seen):
        return highest - lowest
    return float(seen.max()) - lowest if sign > 0 else highest - float(seen.min())


def without_spread(values: npt.ArrayLike) -> tuple[Interval, int] | None:
    """The point that decides where an arm cannot vary; None where its seeds differ all the same, or there is none."""
    number = np.asarray(values, np.float64)
    known = number[~np.isnan(number)]
    if not len(known) or not is_constant(known):
        return None
    point = float(known[0])
    return Interval(point, point, point, CANNOT_VARY), len(known)


def cannot_vary(ds: xr.Dataset, arm: str) -> bool:
    """Whether training moves nothing in an arm: its learning rate is 0."""
    arms = {plain["name"]: plain for plain in json.loads(ds.attrs["config"])["arms"]}
    settings = arms.get(arm, {})
    return "learning_rate" not in settings.get("by_seed", {}) and settings.get("ppo", {}).get("learning_rate") == 0
