"""Interval of the mean of a number that lies in a known range, valid for few seeds and rare large values.

Seeds that were not drawn may differ from all that were. Of n seeds none shows what happens in a share p of all seeds
with probability (1 - p)^n, so that a share up to 1 - α^(1/n) can hide (5 % of seeds hide from 16 in 44 % of studies).
A bootstrap of the seeds knows nothing of them, and without a limit to what they can be nothing is known of the mean
(Bahadur and Savage 1956, Annals of Mathematical Statistics 27). With a limit there is this: the mean, under random
weights that are uniform over the simplex, of the seeds *and one more at the end of the range*. Its quantile is the
bound (Gaffke 2005, Mathematical Methods of Statistics 14; Learned-Miller and Thomas 2019, arXiv:1905.06208). Of
seeds that are all alike it leaves the share that can hide at the end of the range; of zeros and ones it is Clopper
and Pearson's. That it covers whatever the distribution is a conjecture; benchmarks/coverage.py measures it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.resampling import draws_for
from momentum_jax.analysis.inference.single_precision import unit_of

_DRAWS = 19_999
_BLOCK = 4_000_000  # weights at a time


def bounded_mean_interval(
    values: npt.ArrayLike, least: float, greatest: float, confidence: float = CONFIDENCE, seed: int = 0
) -> Interval:
    """Mean over seeds with an interval that allows for seeds unlike those that were drawn.

    Args:
        values: ``[seed]``; NaN is left out.
        least: the smallest value that any seed can have; the smallest seen where that is smaller.
        greatest: the largest one, likewise.
        confidence: coverage, two-sided with equal tails.
        seed: of the weights' own random stream.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan, "no seeds")
    mean, unseen = _weighted_means(known, seed)
    tail, ends = (1 - confidence) / 2, (min(least, known.min()), max(greatest, known.max()))
    low, high = (mean + unseen * (end - known.mean()) for end in ends)
    return Interval(float(known.mean()), float(np.quantile(low, tail)), float(np.quantile(high, 1 - tail)))


def _weighted_means(known: npt.NDArray[np.float64], seed: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Of each draw: the seeds' mean with the unseen seed at their centre, and the unseen seed's weight."""
    rng = np.random.default_rng(seed)
    number, centre = len(known), known.mean()
    draws = draws_for(number, _DRAWS)
    unit = unit_of(known - centre)
    shifted = ((known - centre) / unit).astype(np.float32)
    size = max(_BLOCK // (number + 1), 1)
    means, unseen = np.empty((2, draws))
    for start in range(0, draws, size):
        weights = rng.standard_exponential((min(size, draws - start), number + 1), dtype=np.float32)
        total = weights.sum(axis=1)
        means[start : start + size] = centre + unit * ((weights[:, :-1] @ shifted) / total)
        unseen[start : start + size] = weights[:, -1] / total
    return means, unseen
