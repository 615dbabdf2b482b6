"""How long until a dip is over, with dips that had not ended by the end of the run (censored).

Kaplan and Meier (1958), Nonparametric Estimation from Incomplete Observations, JASA 53;
log-log limits (SciPy's ``ecdf``). A recovery is only known to lie between two checkpoints:
beside the interpolated step there is a curve with all recoveries at the earlier and one with all at
the later checkpoint.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.level import CONFIDENCE

Floats = npt.NDArray[np.float64]


class RecoveryCurve(NamedTuple):
    """Share of dips that are over, by steps since the onset."""

    steps: Floats  # [T], steps at which something ends, recovered or censored
    censored_steps: Floats  # [C], steps at which a run ended before the dip did, ascending
    recovered: Floats  # [T], share, 0 to 1
    low: Floats  # [T], pointwise 95 % limits
    high: Floats  # [T]
    at_risk: npt.NDArray[np.int64]  # [T], dips still going just before
    median: float  # steps by which half are over; inf where that was not reached
    median_low: float
    median_high: float
    flag: str  # empty, or why there is no interval


class RecoverySensitivity(NamedTuple):
    """The same dips with each recovery at the checkpoint before, interpolated, and after."""

    earliest: RecoveryCurve
    interpolated: RecoveryCurve
    latest: RecoveryCurve


def recovery_curve(durations: npt.ArrayLike, censored: npt.ArrayLike, confidence: float = CONFIDENCE) -> RecoveryCurve:
    """Kaplan–Meier curve of recovery.

    Args:
        durations: ``[dip]`` steps from onset to recovery, or to the end of the run where censored.
        censored: ``[dip]`` bool, not recovered by the end of the run.
        confidence: of the pointwise limits, and of the median's (Brookmeyer and Crowley 1982).

    Returns:
        The curve; empty and flagged without dips. Where no dip recovered it is 0 with the upper limit
        of Clopper and Pearson, flagged.
    """
    times, ongoing = np.asarray(durations, np.float64), np.asarray(censored, bool)
    if not len(times):
        none = np.empty(0)
        return RecoveryCurve(none, none, none, none, none, np.empty(0, np.int64), np.nan, np.nan, np.nan, "no dips")
    survival = stats.ecdf(stats.CensoredData.right_censored(times, ongoing)).sf
    recovered = 1 - survival.probabilities
    at_risk = np.array([(times >= step).sum() for step in survival.quantiles], np.int64)
    flag = "no dip recovered" if ongoing.all() else ""
    low, high = _limits(survival, len(times), confidence)
    return RecoveryCurve(
        survival.quantiles,
        np.sort(times[ongoing]),
        recovered,
        low,
        high,
        at_risk,
        _reaches_half(survival.quantiles, recovered),
        _reaches_half(survival.quantiles, high),
        _reaches_half(survival.quantiles, low),
        flag,
    )


def recovery_sensitivity(
    env_steps: npt.ArrayLike,
    onset_step: npt.ArrayLike,
    recovery_step: npt.ArrayLike,
    last_step: npt.ArrayLike,
    confidence: float = CONFIDENCE,
) -> RecoverySensitivity:
    """Recovery curves with both ends of the interval in which each recovery lies.

    Args:
        env_steps: ``[K]`` checkpoints.
        onset_step: ``[dip]``, as `find_dips` gives it; like the next, one entry for each dip.
        recovery_step: ``[dip]`` interpolated; NaN where censored.
        last_step: ``[dip]`` or a number, the last step observed.
        confidence: as for `recovery_curve`.
    """
    steps = np.asarray(env_steps, np.float64)
    onset, recovery = np.asarray(onset_step, np.float64), np.asarray(recovery_step, np.float64)
    censored = np.isnan(recovery)
    end = np.where(censored, last_step, recovery)
    after = steps[np.minimum(np.searchsorted(steps, end), len(steps) - 1)]
    before = np.maximum(steps[np.maximum(np.searchsorted(steps, end) - 1, 0)], onset)
    ends = (np.where(censored, end, before), end, np.where(censored, end, after))
    return RecoverySensitivity(*(recovery_curve(step - onset, censored, confidence) for step in ends))


def _limits(survival: object, num_dips: int, confidence: float) -> tuple[Floats, Floats]:
    """Limits of the recovered share; where all or none are over, those of a binomial."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # At shares of 0 and 1 the log-log form has no value; those are filled in below.
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = survival.confidence_interval(confidence, method="log-log")  # type: ignore[attr-defined]
    low, high = 1 - interval.high.probabilities, 1 - interval.low.probabilities
    recovered = 1 - survival.probabilities  # type: ignore[attr-defined]
    exact = [stats.binomtest(k, num_dips).proportion_ci(confidence) for k in (0, num_dips)]
    low = np.where(recovered <= 0, 0.0, np.where(recovered >= 1, exact[1].low, low))
    high = np.where(recovered >= 1, 1.0, np.where(recovered <= 0, exact[0].high, high))
    return low, high


def _reaches_half(steps: Floats, share: Floats) -> float:
    reached = share >= 0.5
    return float(steps[reached.argmax()]) if reached.any() else np.inf
