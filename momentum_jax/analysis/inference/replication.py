"""Does a new study give what an earlier one predicts? The interval for the mean of new seeds.

For seeds of one distribution the mean of m new ones lies within mean ± t·s·sqrt(1/n + 1/m) of n earlier ones, with t of
n - 1 degrees of freedom (Patil, Peng and Leek 2016, Perspectives on Psychological Science 11). It is wider than the
earlier study's confidence interval: the new mean varies as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import CONFIDENCE


def predicted_mean(earlier: npt.ArrayLike, new_seeds: int, confidence: float = CONFIDENCE) -> Interval:
    """Where the mean of new seeds falls if nothing has changed.

    Args:
        earlier: ``[seed]`` of the earlier study; NaN is left out.
        new_seeds: how many the new study has.
        confidence: of the interval.

    Returns:
        The earlier mean with the interval; NaN and flagged where there are too few seeds.
    """
    known = np.asarray(earlier, np.float64)
    known = known[~np.isnan(known)]
    mean = float(known.mean()) if len(known) else np.nan
    if not enough(len(known)) or new_seeds < 1:
        return Interval(mean, np.nan, np.nan, NO_VERDICT)
    spread = known.std(ddof=1) * np.sqrt(1 / len(known) + 1 / new_seeds)
    width = float(stats.t.ppf(0.5 + 0.5 * confidence, len(known) - 1) * spread)
    return Interval(mean, mean - width, mean + width)
