"""Confidence intervals over seeds. The seed is the unit; constant data gives a flagged point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

_RESAMPLES = 9_999
_CONSTANT = 1e-9


class Interval(NamedTuple):
    """An estimate with its interval; `flag` is empty or says why the interval is a point."""

    estimate: float
    low: float
    high: float
    flag: str = ""


def wilson_interval(successes: int, total: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a proportion, as fractions; NaN where `total` is 0."""
    if not total:
        return Interval(np.nan, np.nan, np.nan, "no seeds")
    bounds = stats.binomtest(successes, total).proportion_ci(confidence, method="wilson")
    return Interval(successes / total, float(bounds.low), float(bounds.high))


def mean_interval(values: npt.ArrayLike, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Mean over seeds with a BCa bootstrap interval.

    Args:
        values: ``[seed]``; NaN is left out.
        confidence: coverage of the interval.
        seed: of the bootstrap's own random stream, so that a report repeats itself.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan, "no seeds")
    mean = float(known.mean())
    if len(known) == 1 or np.ptp(known) < _CONSTANT:
        return Interval(mean, mean, mean, "one seed" if len(known) == 1 else "constant")
    bounds = stats.bootstrap(
        (known,),
        np.mean,
        confidence_level=confidence,
        n_resamples=_RESAMPLES,
        batch=1_000,  # bounds the memory with thousands of seeds
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(bounds.low), float(bounds.high))
