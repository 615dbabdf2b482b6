"""How much more a windowed share varies than independent decisions would, as a function of time.

Consecutive decisions resemble each other, so counts vary more than binomial ones: the variance is multiplied by a
design effect (Kish 1965, Survey Sampling). It changes during training, so it is estimated window by window: the share
of each seed is compared with the line between its neighbouring windows, linear in steps, after the seeds' mean curve is
taken out. What the seed's own exact probabilities say of that bend is taken out too: it is the policy that moved, and
not sampling.

Few seeds show little in one window. Windows are then taken together in blocks, and a window has the largest effect of
the blocks that hold it, so that a stretch of sticky decisions is not averaged away. Blocks never reach across the
horizon. What the estimate leaves unsure is its degrees of freedom, with which the noise is simulated. One seed has no
other to tell its own curve from noise: it has no design effect, and a flag.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FREEDOM, _LONGEST = 16, 6  # wanted in a block; windows of a block at most
# Neighbouring bends share windows: the squares of bends one and two apart correlate so.
_ONE_APART, _TWO_APART = (4 / 6) ** 2, (1 / 6) ** 2


class DesignEffect(NamedTuple):
    """Variance of the counts over that of independent decisions."""

    effect: Floats  # [K]; NaN where it cannot be estimated
    freedom: float  # degrees of freedom of each estimate by the horizon
    block: int  # windows that share an estimate
    flag: str  # empty, or why there is no effect


def binomial_sigma(successes: npt.ArrayLike, totals: npt.ArrayLike, effect: npt.ArrayLike = 1.0) -> Floats:
    """Standard deviation of a percentage of counts, in points.

    Args:
        successes: ``[..., K]``, windows in order of time.
        totals: ``[..., K]``, decisions; NaN results where there were none.
        effect: variance over that of independent decisions, ``[K]`` or one number.

    Returns:
        ``[..., K]``. The share is that of the window and its two neighbours, so that a window that strayed by chance is
        not taken for a quiet one; ½ and 1 are added to the counts, so that 0 of 5 is not taken for certainty.
    """
    count, number = np.asarray(successes, np.float64), np.asarray(totals, np.float64)
    share = (_with_neighbours(count) + 0.5) / (_with_neighbours(number) + 1)
    variance = np.asarray(effect, np.float64) * share * (1 - share) / np.where(number > 0, number, np.nan)
    return 100 * np.sqrt(variance)


def design_effect(
    env_steps: npt.ArrayLike,
    successes: npt.ArrayLike,
    totals: npt.ArrayLike,
    horizon: float = math.inf,
    exact: npt.ArrayLike | None = None,
) -> DesignEffect:
    """Design effect of each window of an arm.

    Args:
        env_steps: ``[K]`` windows' ends.
        successes: ``[seed, K]`` counts.
        totals: ``[seed, K]`` decisions.
        horizon: no estimate takes in windows on both sides of it.
        exact: ``[seed, K]`` the policy's exact share at the windows' ends, in any unit.

    Returns:
        NaN and flagged with one seed, or where one side of the horizon has fewer than 3 windows.
    """
    steps = np.asarray(env_steps, np.float64)
    count, number = np.asarray(successes, np.float64), np.asarray(totals, np.float64)
    effect = np.full(len(steps), np.nan)
    if len(count) < 2:
        return DesignEffect(effect, np.nan, 1, "one seed" if len(count) else "no seeds")
    block = min(math.ceil(_FREEDOM / (len(count) - 1)), _LONGEST)
    policy = None if exact is None else _window_means(np.asarray(exact, np.float64))
    sides = [np.flatnonzero(steps <= horizon), np.flatnonzero(steps > horizon)]
    for side in (side for side in sides if len(side) >= 3):
        explained = None if policy is None else policy[:, side]
        effect[side] = _of_stretch(steps[side], count[:, side], number[:, side], explained, block)
    flag = "" if len(sides[0]) >= 3 else "fewer than 3 windows"
    lost = 1 + 2 * (max(block - 1, 0) * _ONE_APART + max(block - 2, 0) * _TWO_APART) / block
    return DesignEffect(effect, (len(count) - 1) * block / lost, block, flag)


def _of_stretch(steps: Floats, count: Floats, number: Floats, policy: Floats | None, block: int) -> Floats:
    """``[K]`` of windows that may be taken together; the ends have their neighbours' effect."""
    share = np.where(number > 0, count / np.where(number > 0, number, 1), np.nan)
    variance = (binomial_sigma(count, number) / 100) ** 2
    before = (steps[2:] - steps[1:-1]) / (steps[2:] - steps[:-2])
    expected = variance[:, 1:-1] + before**2 * variance[:, :-2] + (1 - before) ** 2 * variance[:, 2:]
    bend = bends(share, before)
    usable = np.isfinite(bend) & np.isfinite(expected)
    own = less_common(bend, usable)
    if policy is not None:
        moved = less_common(bends(policy, before), usable)
        weight = np.where(usable, 1 / np.where(usable, expected, 1), 0.0)
        size = (weight * moved**2).sum()
        own = own - moved * ((weight * moved * own).sum() / size if size > 0 else 0.0)
    seeds = usable.sum(axis=0)
    # Taking out a mean of n seeds takes 1 / n of the variance; one seed alone shows none.
    found = (own**2).sum(axis=0) * seeds / np.maximum(seeds - 1, 1)
    due = np.where(usable & (seeds > 1), expected, 0.0).sum(axis=0)
    ratio = _largest_of_blocks(np.where(seeds > 1, found, 0.0), due, min(block, len(due)))
    return np.concatenate([ratio[:1], ratio, ratio[-1:]])


def _largest_of_blocks(found: Floats, due: Floats, block: int) -> Floats:
    """The largest ratio of the blocks of windows that hold each window."""
    sums = [np.convolve(values, np.ones(block), "valid") for values in (found, due)]
    ratio = np.where(sums[1] > 0, sums[0] / np.where(sums[1] > 0, sums[1], 1), np.nan)
    padded = np.pad(ratio, block - 1, constant_values=np.nan)
    each = np.lib.stride_tricks.sliding_window_view(padded, block)
    return np.where(np.isnan(each).all(axis=-1), np.nan, np.nan_to_num(each, nan=-np.inf).max(axis=-1))


def bends(curves: Floats, before: Floats) -> Floats:
    """``[seed, K - 2]``: each inner window less the line between its neighbours."""
    return curves[:, 1:-1] - before * curves[:, :-2] - (1 - before) * curves[:, 2:]


def less_common(bend: Floats, usable: npt.NDArray[np.bool_]) -> Floats:
    """Less the seeds' mean; 0 where it is not usable."""
    known = np.where(usable & np.isfinite(bend), bend, 0.0)
    return np.where(usable, known - known.sum(axis=0) / np.maximum(usable.sum(axis=0), 1), 0.0)


def _window_means(exact: Floats) -> Floats:
    """Mean of the values at a window's start and end; the first window's start is not known."""
    return np.concatenate([exact[:, :1], (exact[:, 1:] + exact[:, :-1]) / 2], axis=1)


def _with_neighbours(counts: Floats) -> Floats:
    """Each window's count and its neighbours'."""
    if not counts.ndim:
        return counts
    total = counts.copy()
    total[..., 1:] += counts[..., :-1]
    total[..., :-1] += counts[..., 1:]
    return total
