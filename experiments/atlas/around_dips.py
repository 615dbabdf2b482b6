"""What goes before a dip, what comes of it, and whether the seeds that dip are a group of their own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.dips.drawdowns import largest_drawdown
from momentum_jax.analysis.inference.intervals import Interval, mean_interval
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.modality import ModeTest, one_mode
from momentum_jax.analysis.inference.paired import PairedMeans, compare_means

from .claims import FEWEST
from .measures import Measured, rising_with_noise

Floats = npt.NDArray[np.float64]

_UNKNOWN = Interval(np.nan, np.nan, np.nan, "too few seeds")
_BEFORE = 2  # checkpoints up to the onset


class Churn(NamedTuple):
    """Points of probe states, the seeds that dip against the mean of the others at the same steps."""

    before: PairedMeans  # in the two checkpoints up to the onset
    during: Interval  # after the onset, up to the trough
    own: Interval  # up to the onset, less the same seed's other early checkpoints


class End(NamedTuple):
    """The final return, percent of the range."""

    correlation: Interval  # of rank, with the early depth, over all seeds
    p_value: float
    difference: Interval  # of the seeds that dip, less the others


def churn(one: Measured) -> Churn:
    """How fast the policy changes around the onset of the dips; NaN with few seeds in either group."""
    learner = one.learner
    dipping, others = np.flatnonzero(learner.dips), np.flatnonzero(~learner.dips)
    if min(len(dipping), len(others)) < FEWEST:
        return Churn(PairedMeans(0, _UNKNOWN, np.nan, np.nan), _UNKNOWN, _UNKNOWN)
    usual = learner.churn[others].mean(axis=0)
    numbers = [_around_onset(one, int(seed), usual) for seed in dipping]
    before, matched, during, own = np.array(numbers).T
    return Churn(compare_means(before, matched), mean_interval(during), mean_interval(own))


def _around_onset(one: Measured, seed: int, usual: Floats) -> tuple[float, float, float, float]:
    """Of one seed: churn up to its onset, that of the others there, the excess up to the trough, the excess over its
    own other early checkpoints; NaN where its onset is the start.
    """
    own, found = one.learner.churn[seed], one.learner.found
    onset, trough = (int(np.searchsorted(one.steps, step[seed])) for step in (found.onset_step, found.trough_step))
    before = np.arange(max(onset - _BEFORE + 1, 1), onset + 1)
    falling = np.arange(onset + 1, trough + 1)
    during = float((own[falling] - usual[falling]).mean()) if len(falling) else np.nan
    if not len(before):
        return np.nan, np.nan, during, np.nan
    rest = np.setdiff1d(np.flatnonzero(one.early)[1:], np.concatenate([before, falling]))
    apart = float(own[before].mean() - own[rest].mean()) if len(rest) else np.nan
    return float(own[before].mean()), float(usual[before].mean()), during, apart


def end(one: Measured) -> End:
    """What the early depth says of the final return. The two share no checkpoint."""
    final, depth, dips = one.final, one.learner.depth, one.learner.dips
    correlation, p_value = _UNKNOWN, np.nan
    if len(final) > 3 and np.ptp(depth) > 0 and np.ptp(final) > 0:
        found = stats.spearmanr(depth, final)
        correlation, p_value = _fisher(float(found.statistic), len(final)), float(found.pvalue)
    if min(dips.sum(), (~dips).sum()) < FEWEST or np.ptp(final) == 0:
        return End(correlation, p_value, _UNKNOWN)
    test = stats.ttest_ind(final[dips], final[~dips], equal_var=False)
    bounds = test.confidence_interval(CONFIDENCE)
    apart = Interval(float(final[dips].mean() - final[~dips].mean()), float(bounds.low), float(bounds.high))
    return End(correlation, p_value, apart)


def _fisher(rho: float, seeds: int) -> Interval:
    """A rank correlation with Fisher's interval and the variance of Bonett and Wright (2000, Psychometrika 65)."""
    reach = stats.norm.ppf(1 - (1 - CONFIDENCE) / 2) * np.sqrt((1 + rho**2 / 2) / (seeds - 3))
    middle = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return Interval(rho, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))


def groups(one: Measured) -> ModeTest:
    """Silverman's test of the early depths of all seeds."""
    return one_mode(one.learner.depth)


def groups_by_noise(one: Measured, seed: int = 1) -> ModeTest:
    """The same test of depths that noise alone makes of curves that never fall."""
    noisy = rising_with_noise(one, draws=1, seed=seed)[0]
    return one_mode(largest_drawdown(one.steps, noisy, +1, one.entry.horizon).depth)
