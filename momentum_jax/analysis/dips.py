"""Dips of a curve: drawdown, temporary dip, onset, trough, recovery, area and class.

The curve is oriented so that up is good, ``u = sign * x``. With ``L_k`` the running maximum
from the baseline to k and ``R_k`` the maximum from k to the end of the run,

    drawdown        D_k = L_k - u_k
    temporary dip   P_k = min(L_k, R_k) - u_k      (largest peak prominence of -u)

The trough is ``argmax P`` within the horizon where that P reaches the threshold, else
``argmax D`` where that D does, else there is no dip. Depth is D at the trough and the onset
is the last ``argmax u`` from the baseline to the trough.

What the definition leaves open is resolved so:

- The horizon E is an environment step counted from step 0, whichever the baseline. A trough
  lies within it at ``step <= E``, and so does a recovery.
- The baseline is the first checkpoint at or after `baseline_step` that has a value (windowed
  curves have none at checkpoint 0).
- Ties: the first of equal troughs, the last of equal onsets.
- A dip that comes back by at least half without reaching the recovery target is none of the
  four classes of the definition; it is ``PARTIAL``, and its recovery is censored.
- Comparisons with the threshold and the target forgive 1e-9 points of rounding.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_ROUNDING = 1e-9


class DipClass(IntEnum):
    """What became of a dip."""

    NONE = 0  # no dip within the horizon
    RECOVERED = 1  # target reached within the horizon
    LATE = 2  # target reached after the horizon
    PARTIAL = 3  # half or more came back, the target was not reached
    UNRECOVERED = 4  # less than half came back


class Dips(NamedTuple):
    """One entry per curve; every array has the curves' leading shape ``[...]``.

    Without a dip the numbers are NaN; steps are environment steps, depths percentage points
    (or whatever the curve is in).
    """

    observed: Flags  # two values or more from the baseline to the horizon: a dip could be seen
    has_dip: Flags
    temporary: Flags  # the trough was found by P: the loss came back by the threshold
    onset_step: Floats
    trough_step: Floats
    depth: Floats  # points, D at the trough
    recovered_fraction: Floats  # P / D at the trough, 0 to 1
    recovery_step: Floats  # interpolated; NaN where censored
    censored: Flags  # a dip whose target was not reached by the end of the run
    duration: Floats  # steps from onset to recovery; NaN where censored
    area: Floats  # points x steps, onset to recovery, or to the run's end where censored
    klass: npt.NDArray[np.int64]  # values of DipClass


class Drawdowns(NamedTuple):
    """Drawdown and temporary dip of each checkpoint, both ``[..., K]`` and 0 or more."""

    drawdown: Floats  # D
    temporary: Floats  # P


def find_dips(
    env_steps: npt.ArrayLike,
    curve: npt.ArrayLike,
    sign: int,
    horizon: float = 25_000,
    baseline_step: float = 0,
    threshold: float = 5.0,
    recovery_q: float = 0.9,
) -> Dips:
    """Finds the dip of each curve.

    Args:
        env_steps: ``[K]`` environment steps, strictly increasing.
        curve: ``[..., K]`` values; a NaN is a checkpoint that is not there.
        sign: +1 where up is good, -1 where down is good.
        horizon: environment step by which a trough, and a recovery in time, must come.
        baseline_step: 0 for the dip from initialisation, b for the dip from step b.
        threshold: smallest depth that counts, in points.
        recovery_q: share of the depth that must come back to call it a recovery.

    Returns:
        The dips, one entry per curve.

    Raises:
        ValueError: steps and curve do not fit, or an option lies outside its range.
    """
    steps, values = _checked(env_steps, curve, sign)
    if not (threshold > 0 and 0.5 <= recovery_q <= 1):
        raise ValueError(f"threshold {threshold}, recovery_q {recovery_q}: expected > 0 and 0.5 to 1")
    lead = values.shape[:-1]
    times, u = _compact(steps, sign * values.reshape(-1, len(steps)), baseline_step)
    drawdown, temporary = drawdowns(u)
    within = times <= horizon
    by_p, reaches_p = _deepest(temporary, within, threshold)
    by_d, reaches_d = _deepest(drawdown, within, threshold)
    has_dip = reaches_p | reaches_d
    trough = np.where(reaches_p, by_p, by_d)
    onset = _last_argmax(u, trough)
    depth = _at(drawdown, trough)
    target = np.where(has_dip, _at(u, onset) - (1 - recovery_q) * depth, np.nan)
    recovery = _first_crossing(times, u, trough, target)
    fraction = _at(temporary, trough) / np.where(has_dip, depth, 1)
    censored = has_dip & np.isnan(recovery)
    end = np.where(np.isnan(recovery), times[:, -1], recovery)

    def known(number: Floats) -> Floats:
        return np.where(has_dip, number, np.nan).reshape(lead)

    onset_step = _at(times, onset)
    return Dips(
        observed=np.asarray(((np.diff(times) > 0) & within[:, 1:]).any(axis=-1)).reshape(lead),
        has_dip=has_dip.reshape(lead),
        temporary=reaches_p.reshape(lead),
        onset_step=known(onset_step),
        trough_step=known(_at(times, trough)),
        depth=known(depth),
        recovered_fraction=known(fraction),
        recovery_step=known(recovery),
        censored=censored.reshape(lead),
        duration=known(recovery - onset_step),
        area=known(_area(times, u, onset, end)),
        klass=_classes(has_dip, recovery, fraction, horizon).reshape(lead),
    )


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


def landmark_depth(
    env_steps: npt.ArrayLike,
    curve: npt.ArrayLike,
    first: float = 5_000,
    second: float = 10_000,
    sign: int = -1,
) -> Floats:
    """Loss between two steps fixed in advance, in points; unlike a maximum it is unbiased.

    For HOLD (``sign=-1``) this is the value at `second` minus the value at `first`.

    Args:
        env_steps: ``[K]`` environment steps, strictly increasing.
        curve: ``[..., K]``.
        first: the earlier step.
        second: the later step.
        sign: +1 where up is good, -1 where down is good.

    Returns:
        ``[...]``, positive where the curve got worse; NaN where a step has no checkpoint.
    """
    steps, values = _checked(env_steps, curve, sign)
    found = [np.flatnonzero(steps == step) for step in (first, second)]
    if not all(len(index) for index in found):
        return np.full(values.shape[:-1], np.nan)
    early, late = (values[..., index[0]] for index in found)
    return sign * (early - late)


def _checked(env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int) -> tuple[Floats, Floats]:
    steps, values = np.asarray(env_steps, np.float64), np.asarray(curve, np.float64)
    if sign not in (-1, 1):
        raise ValueError(f"sign {sign}, expected +1 (up is good) or -1")
    if steps.ndim != 1 or not len(steps) or values.shape[-1:] != steps.shape:
        raise ValueError(f"curve {values.shape} and env_steps {steps.shape}, expected [..., K] and [K]")
    if not np.all(np.diff(steps) > 0):
        raise ValueError("env_steps must increase strictly")
    return steps, values


def _compact(steps: Floats, u: Floats, baseline_step: float) -> tuple[Floats, Floats]:
    """Moves each row's known checkpoints to the front and repeats the last one after them.

    A repeated checkpoint changes no maximum, no first argmax and no integral, so that
    everything after this sees rows without gaps.
    """
    known = np.isfinite(u) & (steps >= baseline_step)
    order = np.argsort(~known, axis=-1, kind="stable")
    last = np.maximum(known.sum(axis=-1) - 1, 0)
    order = np.take_along_axis(order, np.minimum(np.arange(len(steps)), last[:, None]), axis=-1)
    some = known.any(axis=-1, keepdims=True)
    return steps[order], np.where(some, np.take_along_axis(u, order, axis=-1), np.nan)


def _at(rows: npt.NDArray[Any], index: npt.NDArray[np.int64]) -> Floats:
    return np.take_along_axis(rows, index[:, None], axis=-1)[:, 0]


def _deepest(depths: Floats, within: Flags, threshold: float) -> tuple[npt.NDArray[np.int64], Flags]:
    """First index of the greatest depth within the horizon, and whether it reaches the threshold."""
    candidates = np.where(within & ~np.isnan(depths), depths, -np.inf)
    index = candidates.argmax(axis=-1)
    return index, _at(candidates, index) >= threshold - _ROUNDING


def _last_argmax(u: Floats, trough: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    width = u.shape[-1]
    before = np.where(np.arange(width) <= trough[:, None], u, -np.inf)
    return width - 1 - before[:, ::-1].argmax(axis=-1)


def _first_crossing(times: Floats, u: Floats, trough: npt.NDArray[np.int64], target: Floats) -> Floats:
    """Step at which u first reaches the target after the trough, NaN where it never does."""
    reached = (np.arange(u.shape[-1]) > trough[:, None]) & (u >= target[:, None] - _ROUNDING)
    after = reached.argmax(axis=-1)
    before = np.maximum(after - 1, 0)
    rise = _at(u, after) - _at(u, before)
    share = (target - _at(u, before)) / np.where(reached.any(axis=-1), rise, np.nan)
    return _at(times, before) + np.minimum(share, 1) * (_at(times, after) - _at(times, before))


def _classes(has_dip: Flags, recovery: Floats, fraction: Floats, horizon: float) -> npt.NDArray[np.int64]:
    return np.select(
        [~has_dip, recovery <= horizon, recovery > horizon, fraction >= 0.5],
        [DipClass.NONE, DipClass.RECOVERED, DipClass.LATE, DipClass.PARTIAL],
        DipClass.UNRECOVERED,
    ).astype(np.int64)


def _area(times: Floats, u: Floats, onset: npt.NDArray[np.int64], end: Floats) -> Floats:
    """Integral of the loss below the onset's level, piecewise linear, from onset to `end`.

    Up to `end` the curve is never above that level, so nothing has to be clipped: the onset
    is the last maximum before the trough, and `end` is where the curve first comes back to a
    target that is no higher.
    """
    loss = _at(u, onset)[:, None] - u
    width = np.diff(times, axis=-1)
    covered = np.clip(end[:, None] - times[:, :-1], 0, width)
    covered = np.where(np.arange(width.shape[-1]) >= onset[:, None], covered, 0)
    share = covered / np.where(width > 0, width, 1)
    loss_rate = loss[:, 1:] - loss[:, :-1]
    return (covered * (loss[:, :-1] + 0.5 * share * loss_rate)).sum(axis=-1)
