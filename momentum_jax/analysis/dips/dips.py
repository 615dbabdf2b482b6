"""Dips of a curve: onset, trough, depth, recovery, area and class.

D and P are those of `momentum_jax.analysis.dips.drawdowns`. The trough is the first ``argmax D`` within
the horizon where that D reaches the threshold, else there is no dip. The onset is the last ``argmax u``
from the baseline to the trough, and the recovered fraction is P / D at the trough. Every other
excursion of D beyond the threshold is found by `momentum_jax.analysis.dips.excursions`.

What the definition leaves open is resolved so:

- Depth is the largest D of every observed curve. Where it does not reach the threshold there is
  no dip, and everything else of the dip is NaN.
- The horizon E is an environment step counted from step 0, whichever the baseline. A trough
  lies within it at ``step <= E``, and so does a recovery.
- The baseline is the first checkpoint at or after `baseline_step` that has a value (windowed
  curves have none at checkpoint 0).
- Ties: the first of equal troughs, the last of equal onsets.
- A dip that comes back by at least half without reaching the recovery target is none of the
  four classes of the definition; it is ``PARTIAL``, and its recovery is censored.
- Comparisons with the threshold and the target forgive a billionth of it and of the depth.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.definition import DIP, DipOptions
from momentum_jax.analysis.dips.drawdowns import (
    Flags,
    Floats,
    Ints,
    at,
    checked,
    first_crossing,
    largest_falls,
    last_argmax,
    observed,
    reaches,
    without_gaps,
)


class DipClass(IntEnum):
    """What became of a dip."""

    NONE = 0  # no dip within the horizon
    RECOVERED = 1  # target reached within the horizon
    LATE = 2  # target reached after the horizon
    PARTIAL = 3  # half or more came back, the target was not reached
    UNRECOVERED = 4  # less than half came back


class Dips(NamedTuple):
    """One entry per curve; every array has the curves' leading shape ``[...]``.

    Steps are environment steps, depths percentage points (or whatever the curve is in). The two
    depths are NaN where the curve was not observed, all other numbers where there is no dip.
    """

    observed: Flags  # two values or more from the baseline to the horizon: a dip could be seen
    has_dip: Flags  # depth reaches the threshold
    onset_step: Floats
    trough_step: Floats
    depth: Floats  # points, the largest D within the horizon
    temporary_depth: Floats  # points, the largest P within the horizon; its trough may be another one
    recovered_fraction: Floats  # P / D at the trough, 0 to 1
    recovery_step: Floats  # interpolated; NaN where censored
    censored: Flags  # a dip whose target was not reached by the end of the run
    duration: Floats  # steps from onset to recovery; NaN where censored
    area: Floats  # points x steps, onset to recovery, or to the run's end where censored
    klass: npt.NDArray[np.int64]  # values of DipClass


def find_dips(env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int, options: DipOptions = DIP) -> Dips:
    """Finds the dip of each curve.

    Args:
        env_steps: ``[K]`` environment steps, strictly increasing.
        curve: ``[..., K]`` values; a NaN is a checkpoint that is not there.
        sign: +1 where up is good, -1 where down is good.
        options: horizon, baseline, threshold and recovery.

    Returns:
        The dips, one entry per curve.

    Raises:
        ValueError: steps and curve do not fit.
    """
    lead = np.shape(curve)[:-1]
    rows = without_gaps(env_steps, curve, sign, options.horizon, options.baseline_step)
    times, u = rows.times, rows.u
    depth, trough, temporary_depth, came_back = largest_falls(rows)
    has_dip = reaches(depth, options.threshold)
    onset = last_argmax(u, trough)
    fall = np.where(has_dip, depth, np.nan)
    target = at(u, onset) - (1 - options.recovery_share) * fall
    recovery = first_crossing(times, u, trough, target, fall)
    fraction = came_back / fall
    end = np.where(np.isnan(recovery), times[:, -1], recovery)
    seen = observed(rows)

    def known(number: Floats, where: Flags = has_dip) -> Floats:
        return np.where(where, number, np.nan).reshape(lead)

    onset_step = at(times, onset)
    return Dips(
        observed=seen.reshape(lead),
        has_dip=has_dip.reshape(lead),
        onset_step=known(onset_step),
        trough_step=known(at(times, trough)),
        depth=known(depth, seen),
        temporary_depth=known(temporary_depth, seen),
        recovered_fraction=known(fraction),
        recovery_step=known(recovery),
        censored=(has_dip & np.isnan(recovery)).reshape(lead),
        duration=known(recovery - onset_step),
        area=known(_area(times, u, onset, end)),
        klass=_classes(has_dip, recovery, fraction, options.horizon).reshape(lead),
    )


def landmark_depth(
    env_steps: npt.ArrayLike, curve: npt.ArrayLike, first: float, second: float, sign: int = -1
) -> Floats:
    """Loss between two steps fixed in advance, in points; unlike a maximum it is unbiased.

    Where down is good (``sign=-1``) this is the value at `second` minus the value at `first`.

    Args:
        env_steps: ``[K]`` environment steps, strictly increasing.
        curve: ``[..., K]``.
        first: the earlier step.
        second: the later step.
        sign: +1 where up is good, -1 where down is good.

    Returns:
        ``[...]``, positive where the curve got worse; NaN where a step has no checkpoint.
    """
    steps, values = checked(env_steps, curve, sign)
    found = [np.flatnonzero(steps == step) for step in (first, second)]
    if not all(len(index) for index in found):
        return np.full(values.shape[:-1], np.nan)
    early, late = (values[..., index[0]] for index in found)
    return sign * (early - late)


def _classes(has_dip: Flags, recovery: Floats, fraction: Floats, horizon: float) -> npt.NDArray[np.int64]:
    return np.select(
        [~has_dip, recovery <= horizon, recovery > horizon, fraction >= 0.5],
        [DipClass.NONE, DipClass.RECOVERED, DipClass.LATE, DipClass.PARTIAL],
        DipClass.UNRECOVERED,
    ).astype(np.int64)


def _area(times: Floats, u: Floats, onset: Ints, end: Floats) -> Floats:
    """Integral of the loss below the onset's level, piecewise linear, from onset to `end`.

    Up to `end` the curve is never above that level, so nothing has to be clipped: the onset
    is the last maximum before the trough, and `end` is where the curve first comes back to a
    target that is no higher.
    """
    loss = at(u, onset)[:, None] - u
    width = np.diff(times, axis=-1)
    covered = np.clip(end[:, None] - times[:, :-1], 0, width)
    covered = np.where(np.arange(width.shape[-1]) >= onset[:, None], covered, 0)
    share = covered / np.where(width > 0, width, 1)
    loss_rate = loss[:, 1:] - loss[:, :-1]
    return (covered * (loss[:, :-1] + 0.5 * share * loss_rate)).sum(axis=-1)
