"""Intervals by order statistics, free of any distribution: of a median, and of one more seed.

The k-th smallest of n values lies below the median with a binomial chance, so that two order statistics hold it with
a chance that is known (Hahn and Meeker 1991, Statistical Intervals, ch. 5). One more seed: see `placement`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.placement import prediction_rank

Floats = npt.NDArray[np.float64]


def median_interval(values: npt.ArrayLike, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Pointwise interval of the median over seeds.

    Args:
        values: ``[seed, ...]``; NaN is left out.
        confidence: coverage, at least.

    Returns:
        Low and high ends ``[...]``; NaN where there are too few seeds for that confidence.
    """
    return _order_statistics(values, lambda number: _median_rank(number, confidence))


def one_more_interval(values: npt.ArrayLike, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Where one more seed falls, pointwise; arguments and result as for `median_interval`."""
    return _order_statistics(values, lambda number: prediction_rank(number, confidence))


def _median_rank(number: int, confidence: float) -> int:
    """The largest k so that the k-th smallest and the k-th largest hold the median; 0 where none does."""
    return int(stats.binom.ppf((1 - confidence) / 2 + 1e-12, number, 0.5))


def _order_statistics(values: npt.ArrayLike, rank_of: Callable[[int], int]) -> tuple[Floats, Floats]:
    """The k-th smallest and the k-th largest of each column, k by how many values it has."""
    array = np.asarray(values, np.float64)
    columns = np.sort(array.reshape(len(array), -1), axis=0)  # NaN last
    number = np.count_nonzero(~np.isnan(columns), axis=0)
    low, high = np.full((2, columns.shape[1]), np.nan)
    for size in np.unique(number):
        rank, chosen = rank_of(int(size)) if enough(int(size)) else 0, number == size
        if rank > 0:
            low[chosen], high[chosen] = columns[rank - 1, chosen], columns[size - rank, chosen]
    return low.reshape(array.shape[1:]), high.reshape(array.shape[1:])
