"""Drawdown and temporary dip of curves, and their largest values: the one depth of the whole project.

The curve is oriented so that up is good, ``u = sign * x``. With ``L_k`` the running maximum
from the baseline to k and ``R_k`` the maximum from k to the end of the run,

    drawdown        D_k = L_k - u_k
    temporary dip   P_k = min(L_k, R_k) - u_k      (largest peak prominence of -u)

Depth is the largest D within the horizon, whether or not it reaches a threshold. It never shrinks
when a curve gets worse. The largest P stands beside it as the temporary depth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

ROUNDING = 1e-9  # share of a depth that comparisons forgive, whatever the unit of the curve


class Drawdowns(NamedTuple):
    """Drawdown and temporary dip of each checkpoint, both ``[..., K]`` and 0 or more."""

    drawdown: Floats  # D
    temporary: Floats  # P


class LargestDrawdown(NamedTuple):
    """One entry per curve, ``[...]``; NaN with fewer than two values from the baseline to the horizon."""

    depth: Floats  # max D within the horizon, points
    trough_step: Floats  # first step that reaches it; NaN too where the curve never falls
    temporary_depth: Floats  # max P within the horizon, points


class Deepest(NamedTuple):
    """The largest falls of `Rows` within the horizon, whether or not they reach a threshold; ``[N]``."""

    depth: Floats  # of the drawdown, points
    trough: Ints  # index of the first checkpoint that reaches it
    temporary_depth: Floats  # of the temporary dip, points; its trough may be another one
    temporary_at_trough: Floats


class Rows(NamedTuple):
    """Curves without gaps, one a row, from the baseline on; up is good."""

    times: Floats  # [N, K] environment steps; the last one is repeated to fill the row
    u: Floats  # [N, K]; NaN throughout where a curve has no value
    within: Flags  # [N, K], by the horizon


def drawdowns(u: npt.ArrayLike) -> Drawdowns:
    """Drawdown and temporary dip at each checkpoint.

    Args:
        u: ``[..., K]``, up is good, from the baseline on; NaN takes no part in the maxima and
            stays NaN.
    """
    values = np.asarray(u, np.float64)
    known = np.where(np.isnan(values), -np.inf, values)
    left = np.maximum.accumulate(known, axis=-1)
    right = np.maximum.accumulate(known[..., ::-1], axis=-1)[..., ::-1]
    return Drawdowns(left - values, np.minimum(left, right) - values)


def largest_drawdown(
    env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int, horizon: float = np.inf, baseline_step: float = 0
) -> LargestDrawdown:
    """Depth of each curve, whether or not it reaches a threshold.

    Args:
        env_steps: ``[K]`` environment steps, strictly increasing.
        curve: ``[..., K]`` values; a NaN is a checkpoint that is not there.
        sign: +1 where up is good, -1 where down is good.
        horizon: environment step by which the trough must come.
        baseline_step: step from which running maxima count.

    Raises:
        ValueError: steps and curve do not fit.
    """
    rows = without_gaps(env_steps, curve, sign, horizon, baseline_step)
    lead, found, seen = np.shape(curve)[:-1], largest_falls(rows), observed(rows)
    step = np.where(found.depth > 0, at(rows.times, found.trough), np.nan)
    numbers = (found.depth, step, found.temporary_depth)
    return LargestDrawdown(*(np.where(seen, values, np.nan).reshape(lead) for values in numbers))


def largest_falls(rows: Rows) -> Deepest:
    """The largest drawdown and temporary dip of each row within the horizon."""
    drawdown, temporary = drawdowns(rows.u)
    depth, trough = deepest(drawdown, rows.within)
    temporary_depth, _ = deepest(temporary, rows.within)
    return Deepest(depth, trough, temporary_depth, at(temporary, trough))


def reaches(depth: npt.ArrayLike, threshold: npt.ArrayLike) -> Flags:
    """Whether a depth counts as a dip; `ROUNDING` of the threshold is forgiven, NaN does not count."""
    return np.asarray(np.asarray(depth, np.float64) >= np.asarray(threshold, np.float64) * (1 - ROUNDING))


def without_gaps(
    env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int, horizon: float, baseline_step: float
) -> Rows:
    """Moves each curve's known checkpoints to the front of its row and repeats the last one after them.

    A repeated checkpoint changes no maximum, no first argmax and no integral, so that
    everything after this sees rows without gaps. Arguments as for `largest_drawdown`.
    """
    steps, values = checked(env_steps, curve, sign)
    u = sign * values.reshape(-1, len(steps))
    known = np.isfinite(u) & (steps >= baseline_step)
    order = np.argsort(~known, axis=-1, kind="stable")
    last = np.maximum(known.sum(axis=-1) - 1, 0)
    order = np.take_along_axis(order, np.minimum(np.arange(len(steps)), last[:, None]), axis=-1)
    some = known.any(axis=-1, keepdims=True)
    times = steps[order]
    return Rows(times, np.where(some, np.take_along_axis(u, order, axis=-1), np.nan), times <= horizon)


def checked(env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int) -> tuple[Floats, Floats]:
    """Steps ``[K]`` and curve ``[..., K]`` as float64.

    Raises:
        ValueError: they do not fit, or the sign is neither +1 nor -1.
    """
    steps, values = np.asarray(env_steps, np.float64), np.asarray(curve, np.float64)
    if sign not in (-1, 1):
        raise ValueError(f"sign {sign}, expected +1 (up is good) or -1")
    if steps.ndim != 1 or not len(steps) or values.shape[-1:] != steps.shape:
        raise ValueError(f"curve {values.shape} and env_steps {steps.shape}, expected [..., K] and [K]")
    if not np.all(np.diff(steps) > 0):
        raise ValueError("env_steps must increase strictly")
    return steps, values


def observed(rows: Rows) -> Flags:
    """``[N]``: two values or more from the baseline to the horizon."""
    return np.asarray(((np.diff(rows.times) > 0) & rows.within[:, 1:]).any(axis=-1))


def deepest(depths: Floats, among: Flags) -> tuple[Floats, Ints]:
    """Greatest depth ``[N]`` of each row among the marked checkpoints ``[N, K]``, and its first index."""
    candidates = np.where(among & ~np.isnan(depths), depths, -np.inf)
    index = candidates.argmax(axis=-1)
    return at(candidates, index), index


def at(rows: npt.NDArray[Any], index: Ints) -> Floats:
    """The value of each row ``[N, K]`` at its own index ``[N]``."""
    return np.take_along_axis(rows, index[:, None], axis=-1)[:, 0]


def last_argmax(u: Floats, until: Ints) -> Ints:
    """``[N]`` index of the last maximum of each row up to and with its own index."""
    width = u.shape[-1]
    before = np.where(np.arange(width) <= until[:, None], u, -np.inf)
    return width - 1 - before[:, ::-1].argmax(axis=-1)


def first_crossing(times: Floats, u: Floats, trough: Ints, target: Floats, depth: Floats) -> Floats:
    """Step ``[N]`` at which u first reaches the target after the trough, interpolated; NaN where it never does.

    `ROUNDING` of the depth ``[N]`` is forgiven.
    """
    reached = (np.arange(u.shape[-1]) > trough[:, None]) & (u >= (target - ROUNDING * depth)[:, None])
    after = reached.argmax(axis=-1)
    before = np.maximum(after - 1, 0)
    rise = at(u, after) - at(u, before)
    share = (target - at(u, before)) / np.where(reached.any(axis=-1), rise, np.nan)
    return at(times, before) + np.minimum(share, 1) * (at(times, after) - at(times, before))
