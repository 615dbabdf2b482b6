"""The test of each declared claim in one environment, and its verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.inference.paired import compare_shares
from momentum_jax.analysis.pages.blocks.depth_tables import in_percent

from . import around_dips, claims
from .measures import Arm, Measured

_NO_CONTROL = Interval(np.nan, np.nan, np.nan, "no control")


class Test(NamedTuple):
    """What decides a claim."""

    number: Interval
    p_value: float  # two-sided; NaN where it cannot be tested


def _dips(one: Measured) -> Test:
    return _share(one.learner.dips, claims.BY_NOISE)


def _most(one: Measured) -> Test:
    """By the dips, the lower bound, where they are most; by the falls, the upper one, where they are not."""
    dips, falls = _share(one.learner.dips, claims.MOST), _share(one.learner.falls, claims.MOST)
    if dips.number.estimate > claims.MOST:
        return dips
    return falls if falls.number.estimate < claims.MOST else dips._replace(p_value=1.0)


def _share(flags: npt.NDArray[np.bool_], limit: float) -> Test:
    count, total = int(flags.sum()), len(flags)
    return Test(in_percent(wilson_interval(count, total)), float(stats.binomtest(count, total, limit / 100).pvalue))


def _more_than_control(number: str) -> Callable[[Measured], Test]:
    def test(one: Measured) -> Test:
        if one.control is None:
            return Test(_NO_CONTROL, np.nan)
        found = compare_shares(*paired(one.learner, one.control, number))
        return Test(in_percent(found.difference), found.p_value)

    return test


def _churn(one: Measured) -> Test:
    before = around_dips.churn(one).before
    return Test(before.difference, before.p_value)


def _end(one: Measured) -> Test:
    found = around_dips.end(one)
    return Test(found.correlation, found.p_value)


def _groups(one: Measured) -> Test:
    p_value = around_dips.groups(one).p_value
    return Test(Interval(p_value, np.nan, np.nan), p_value)


TESTS: dict[str, Callable[[Measured], Test]] = {
    "dips": _dips,
    "most": _most,
    "control": _more_than_control("falls"),
    "shift": _more_than_control("shifts"),
    "churn": _churn,
    "end": _end,
    "groups": _groups,
}


def verdict(statement: claims.Statement, test: Test, p_value_holm: float, level: float) -> str:
    """Supported where Holm's p value is below the level and the number on the claimed side, else not or undecided.

    A test against one mode that finds nothing does not show that there is one: that claim is never *not supported*.
    """
    if np.isnan(p_value_holm):
        return "not tested"  # no control, or fewer seeds in a group than are compared
    if p_value_holm >= level:
        return "undecided"
    if statement.name == "groups":
        return "supported"
    return "supported" if statement.direction * (test.number.estimate - statement.limit) > 0 else "not supported"


def paired(learner: Arm, control: Arm, number: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A yes or no of the two arms on the seeds that both have, in the same order."""
    common = np.intersect1d(learner.seeds, control.seeds)
    first, second = (
        np.asarray(getattr(arm, number), np.float64)[np.searchsorted(arm.seeds, common)] for arm in (learner, control)
    )
    return first, second
