"""Was a published run typical: its place among the seeds, and where one more seed would fall.

Order statistics make the interval free of any distribution: of n seeds and one more, all places
are equally likely, so the k-th smallest to the k-th largest hold the new one with probability
(n + 1 - 2k) / (n + 1) (Wilks 1941, Annals of Mathematical Statistics 12).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.level import CONFIDENCE


class Place(NamedTuple):
    """A published number among seeds."""

    seeds: int
    percentile: float  # 0 to 100, ties count half
    low: float  # prediction interval for one more run
    high: float
    confidence: float  # what that interval really has, 0 to 1
    p_value: float  # two-sided chance of a place this far out, for a run like these
    flag: str


def prediction_rank(seeds: int, confidence: float = CONFIDENCE) -> int:
    """The largest k so that the k-th smallest to the k-th largest hold one more seed; 0 where the range does not."""
    return int(np.floor((seeds + 1) * (1 - confidence) / 2 + 1e-9))


def place_among(published: float, values: npt.ArrayLike, confidence: float = CONFIDENCE) -> Place:
    """Places a published number within the seeds' distribution.

    Args:
        published: the number.
        values: ``[seed]``; NaN is left out.
        confidence: asked-for coverage of the prediction interval. With fewer than 39 seeds 95 % cannot
            be had: the interval is then the seeds' range, flagged, with the coverage it has.

    Returns:
        NaN and flagged without seeds.
    """
    known = np.sort(np.asarray(values, np.float64))
    known = known[~np.isnan(known)]
    number = len(known)
    if not number:
        return Place(0, np.nan, np.nan, np.nan, np.nan, np.nan, "no seeds")
    rank = max(prediction_rank(number, confidence), 1)
    reached = max((number + 1 - 2 * rank) / (number + 1), 0.0)
    tail = min((known <= published).sum(), (known >= published).sum()) + 1
    flag = "" if reached >= confidence - 1e-9 else "seeds' range"
    return Place(
        number,
        float(stats.percentileofscore(known, published, kind="mean")),
        float(known[rank - 1]),
        float(known[number - rank]),
        reached,
        float(min(1.0, 2 * tail / (number + 1))),
        flag,
    )
