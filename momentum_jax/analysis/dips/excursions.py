"""Every excursion of the drawdown beyond the threshold, not the deepest alone.

An excursion is a stretch of checkpoints, within the horizon and without a break, at which D reaches the
threshold. Its trough is the first argmax of D in it, and onset, depth and recovery follow as for a dip:
the deepest excursion of a curve *is* its dip. Two excursions may share an onset, where the curve came
back above the threshold but not to a new maximum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.definition import DIP, DipOptions
from momentum_jax.analysis.dips.drawdowns import (
    Flags,
    Floats,
    Ints,
    at,
    deepest,
    drawdowns,
    first_crossing,
    last_argmax,
    reaches,
    without_gaps,
)

_BLOCK = 20_000  # excursions at a time


class Excursions(NamedTuple):
    """One entry per excursion ``[E]``, curve by curve, in order of time."""

    curve: Ints  # index of the curve in the raveled leading shape
    onset_step: Floats
    trough_step: Floats
    depth: Floats  # points
    recovery_step: Floats  # interpolated, may lie after the horizon; NaN where censored


def find_excursions(env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int, options: DipOptions = DIP) -> Excursions:
    """Finds all excursions of each curve.

    Args:
        env_steps: as for `find_dips`, like the rest.
        curve: ``[..., K]``.
        sign: +1 where up is good, -1 where down is good.
        options: horizon, baseline, threshold and recovery.

    Raises:
        ValueError: as `find_dips`.
    """
    rows = without_gaps(env_steps, curve, sign, options.horizon, options.baseline_step)
    drawdown = drawdowns(rows.u).drawdown
    beyond = reaches(drawdown, options.threshold) & rows.within
    begins = beyond & ~np.pad(beyond, ((0, 0), (1, 0)))[:, :-1]
    number = begins.cumsum(axis=-1)
    curves, starts = np.nonzero(begins)
    parts = []
    for first in range(0, max(len(curves), 1), _BLOCK):
        block, start = curves[first : first + _BLOCK], starts[first : first + _BLOCK]
        inside = beyond[block] & (number[block] == at(number[block], start)[:, None])
        parts.append(_measure(rows.times[block], rows.u[block], drawdown[block], inside, options.recovery_share))
    onset, trough, depth, recovery = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Excursions(curves, onset, trough, depth, recovery)


def _measure(
    times: Floats, u: Floats, drawdown: Floats, inside: Flags, recovery_share: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Onset, trough, depth and recovery, one row per excursion."""
    depth, trough = deepest(drawdown, inside)
    onset = last_argmax(u, trough)
    recovery = first_crossing(times, u, trough, at(u, onset) - (1 - recovery_share) * depth, depth)
    return at(times, onset), at(times, trough), depth, recovery
