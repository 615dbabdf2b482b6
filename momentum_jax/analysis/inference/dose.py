"""Does an outcome follow a dose (such as ent_coef) when the same seeds run at every dose?

Each seed gives its own least-squares slope, so what seeds differ in drops out; the slopes are
then one number per seed. Page's trend test is the rank counterpart (Page 1963, JASA 58).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.paired import compare_means


class DoseTrend(NamedTuple):
    """Trend of an outcome over doses."""

    seeds: int  # seeds with a value at every dose
    slope: Interval  # outcome per unit of dose, mean over seeds, BCa
    p_value: float  # sign-flip permutation of the slopes, two-sided
    page_p_value: float  # Page's test, two-sided; NaN with fewer than 3 doses or 2 seeds
    page_rises: bool  # whether its ranks rise with the dose


def dose_trend(doses: npt.ArrayLike, outcomes: npt.ArrayLike, confidence: float = CONFIDENCE) -> DoseTrend:
    """Trend over doses with paired seeds.

    Args:
        doses: ``[dose]``, not all the same.
        outcomes: ``[dose, seed]``; a seed with a NaN at any dose is left out.
        confidence: of the interval.

    Raises:
        ValueError: shapes do not fit, or there is one dose only.
    """
    levels, values = np.asarray(doses, np.float64), np.asarray(outcomes, np.float64)
    if values.ndim != 2 or levels.shape != values.shape[:1] or len(np.unique(levels)) < 2:
        raise ValueError(f"doses {levels.tolist()} and outcomes {values.shape}, expected [dose >= 2], [dose, seed]")
    values = values[:, ~np.isnan(values).any(axis=0)]
    centred = levels - levels.mean()
    slopes = centred @ values / (centred**2).sum()
    test = compare_means(slopes, np.zeros_like(slopes), confidence)
    return DoseTrend(values.shape[1], test.difference, test.p_value, *_page(values[np.argsort(levels)]))


def _page(ordered: npt.NDArray[np.float64]) -> tuple[float, bool]:
    if ordered.shape[0] < 3 or ordered.shape[1] < 2:
        return np.nan, False
    rising, falling = (
        stats.page_trend_test(matrix, method="asymptotic").pvalue for matrix in (ordered.T, ordered[::-1].T)
    )
    return float(min(1.0, 2 * min(rising, falling))), bool(rising < falling)
