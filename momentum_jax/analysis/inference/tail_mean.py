"""Conditional value at risk: the mean of the worst share of seeds.

Of n seeds the worst share a holds n·a seeds, a part of the last one where that is no whole number (Rockafellar and
Uryasev 2000, Optimization of Conditional Value-at-Risk, Journal of Risk 2).
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import Interval, statistic_interval
from momentum_jax.analysis.inference.level import CONFIDENCE

MIN_TAIL = 10  # seeds in the tail from which its mean has an interval: with 5 it covers 80 % of an exponential tail


def tail_mean(values: npt.ArrayLike, share: float) -> npt.NDArray[np.float64]:
    """Mean of the largest share of the values.

    Args:
        values: ``[..., seed]`` without NaN.
        share: above 0, at most 1.

    Returns:
        ``[...]``.
    """
    ordered = -np.sort(-np.asarray(values, np.float64), axis=-1)
    wanted = share * ordered.shape[-1]
    weight = np.clip(wanted - np.arange(ordered.shape[-1]), 0, 1)
    return np.asarray(ordered @ weight / wanted)


def tail_mean_interval(values: npt.ArrayLike, share: float, confidence: float = CONFIDENCE) -> Interval:
    """The tail's mean with a BCa bootstrap interval over seeds.

    Args:
        values: ``[seed]``; NaN is left out.
        share: above 0, at most 1.
        confidence: coverage.

    Returns:
        NaN ends and a flag where fewer than `MIN_TAIL` seeds lie in the tail: such a bootstrap draws the same few
        seeds over and over.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan, "no seeds")
    estimate = float(tail_mean(known, share))
    if share * len(known) < MIN_TAIL or not enough(len(known)):
        return Interval(estimate, np.nan, np.nan, f"fewer than {MIN_TAIL} seeds in the tail")
    return statistic_interval([known], functools.partial(tail_mean, share=share), confidence, draws=1_999)
