"""Bootstrap over seeds: one matrix of how often each seed is drawn serves every curve, checkpoint and metric.

A seed is drawn with its whole trajectory, so the draws keep what ties checkpoints and metrics
together. The mean of a draw is a row of the count matrix times the values. Median and
interquartile mean are trimmed means, and a trimmed mean of a draw follows from the cumulative
counts in sorted order: with C_j draws up to the j-th smallest value and g left out at either
end, value j has weight ``clip(C_j, g, n - g) - clip(C_{j-1}, g, n - g)``.

BCa: Efron (1987), Better Bootstrap Confidence Intervals, JASA 82.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.single_precision import unit_of

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[Any]  # int16 or int32
Centre = Literal["mean", "median", "iqm"]

MEAN_DRAWS, TRIMMED_DRAWS = 9_999, 2_000
_DRAWN, _FEWEST_DRAWS = 10_000_000, 999  # draws times seeds beyond which draws are fewer, and how few
_BLOCK = 4  # columns cumulated together
_ENTRIES = 4_000_000  # drawn together
_TIE = 1e-4  # standard deviations of the draws


class Bounds(NamedTuple):
    """Ends of intervals, both with the shape of the estimate."""

    low: Floats
    high: Floats


def draws_for(num_seeds: int, wanted: int) -> int:
    """How many draws are made of so many seeds: fewer of thousands, whose intervals need no fine quantiles."""
    return max(min(wanted, _DRAWN // max(num_seeds, 1)), min(_FEWEST_DRAWS, wanted))


@functools.lru_cache(maxsize=2)
def resample_counts(num_seeds: int, draws: int, seed: int = 0) -> Counts:
    """``[draws, num_seeds]``, not to be written to: how often each seed is in each draw; rows sum to `num_seeds`.

    The last two are kept, for every metric of a run asks for the same ones.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, num_seeds), np.float32)
    size = max(_ENTRIES // max(num_seeds, 1), 1)
    for block in (counts[start : start + size] for start in range(0, draws, size)):
        block[:] = times_drawn(rng.integers(num_seeds, size=block.shape, dtype=np.int32))
    counts.flags.writeable = False
    return counts


def times_drawn(drawn: Ints) -> Ints:
    """How often each seed is in each draw, ``[draw, num_seeds]`` like the seeds that were drawn."""
    flat = (drawn + drawn.shape[1] * np.arange(len(drawn))[:, None]).ravel()
    return np.bincount(flat, minlength=drawn.size).reshape(drawn.shape)


def trimmed_each_end(size: npt.ArrayLike, centre: Centre) -> Ints:
    """How many values a centre leaves out at either end of `size` sorted ones (as ``scipy.stats.trim_mean`` does)."""
    number = np.asarray(size, np.int64)
    cuts = {"mean": 0 * number, "iqm": number // 4, "median": np.maximum(number - 1, 0) // 2}
    return cuts[centre]


def centre_of(values: npt.ArrayLike, centre: Centre) -> Floats:
    """Mean, median or interquartile mean over seeds.

    Args:
        values: ``[seed, ...]``; NaN is left out.
        centre: which one.

    Returns:
        ``[...]``, NaN where no seed has a value.
    """
    array = np.asarray(values, np.float64)
    rows = array.reshape(len(array), -1)
    result = draw_centres(rows, np.ones((1, len(rows)), np.float32), centre)
    return result.reshape(array.shape[1:])


def draw_centres(values: npt.ArrayLike, counts: Counts, centre: Centre) -> Floats:
    """The centre of every bootstrap draw.

    Args:
        values: ``[seed, ...]``; NaN is left out.
        counts: ``[draws, seed]`` as `resample_counts` makes them.
        centre: mean, median or interquartile mean.

    Returns:
        ``[draws, ...]``, NaN in draws without a value.
    """
    array = np.asarray(values, np.float64)
    rows = array.reshape(len(array), -1)
    drawn = _means(rows, counts) if centre == "mean" else _trimmed(rows, counts, centre)
    return drawn.reshape(len(counts), *array.shape[1:])


def _means(rows: Floats, counts: Counts) -> Floats:
    known = ~np.isnan(rows)
    offset = np.nanmean(np.where(known.any(axis=0), rows, 0.0), axis=0)
    # Float32 halves the time of the product; centred first, its rounding is far below a draw's spread.
    shifted = np.where(known, rows - offset, 0.0)
    unit = unit_of(shifted, axis=0)
    totals = counts @ (shifted / unit).astype(np.float32)
    sizes = np.full((1, rows.shape[1]), len(rows), np.float32) if known.all() else counts @ known.astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return unit * (totals / sizes) + offset


def _trimmed(rows: Floats, counts: Counts, centre: Centre) -> Floats:
    num_seeds = len(rows)
    known = np.count_nonzero(~np.isnan(rows), axis=0)
    order = np.argsort(rows, axis=0)
    first, last = _window(num_seeds, centre)
    # How many of each draw lie before the window, for all columns in one product.
    before = np.zeros(rows.shape, np.float32)
    np.put_along_axis(before, order[:first], 1.0, axis=0)
    bases = (counts @ before).T
    by_seed = counts.T.astype(np.int16 if num_seeds < np.iinfo(np.int16).max else np.int32, order="C")
    result = np.full((len(counts), rows.shape[1]), np.nan)
    complete = np.flatnonzero(known == num_seeds)
    size = np.full(len(counts), num_seeds, by_seed.dtype)
    for block in (complete[start : start + _BLOCK] for start in range(0, len(complete), _BLOCK)):
        seeds = order[first:last, block]
        cumulative = _cumulated(by_seed[seeds], bases[block])
        for place, index in enumerate(block):
            ordered = rows[seeds[:, place], index]
            result[:, index] = _trimmed_column(ordered, cumulative[:, place], size, centre)
    for index in np.flatnonzero((known > 0) & (known < num_seeds)):
        seeds = order[: known[index], index]
        cumulative = _cumulated(by_seed[seeds], None)
        result[:, index] = _trimmed_column(rows[seeds, index], cumulative, cumulative[-1].copy(), centre)
    return result


def _window(num_seeds: int, centre: Centre) -> tuple[int, int]:
    """Ranks that a draw can treat unlike any other: within nine standard deviations of the cuts (chance of more 1e-18).

    Before the window every draw gives weight 0, after it too.
    """
    cut = int(trimmed_each_end(num_seeds, centre))
    margin = 2 + math.ceil(9 * math.sqrt(cut * (1 - cut / num_seeds)))
    return max(cut - margin, 0), min(num_seeds - cut + margin, num_seeds)


def _cumulated(drawn: Whole, base: Counts | None) -> Whole:
    """Running totals along the ranks, in place; ``np.cumsum`` along rows is three times slower."""
    if base is not None:
        drawn[0] += base.astype(drawn.dtype)
    for rank in range(1, len(drawn)):
        np.add(drawn[rank], drawn[rank - 1], out=drawn[rank])
    return drawn


def _trimmed_column(ordered: Floats, cumulative: Whole, size: Whole, centre: Centre) -> Floats:
    """The trimmed mean of every draw from the running totals ``[rank, draws]`` of the ordered values ``[rank]``."""
    cut = trimmed_each_end(size, centre).astype(cumulative.dtype)
    np.maximum(cumulative, cut, out=cumulative)
    np.minimum(cumulative, size - cut, out=cumulative)
    cumulative -= cut
    kept = (size - 2 * cut).astype(np.float64)
    # Summed by parts: the largest value times all that is kept, less each step between neighbours.
    # Not a matrix product: BLAS threads cost more than they bring at this size.
    steps = np.diff(ordered)
    unit = unit_of(steps)
    below = unit * np.einsum("r,rd->d", (steps / unit).astype(np.float32), cumulative[:-1].astype(np.float32))
    return ordered[-1] - below / np.where(kept > 0, kept, np.nan)


def bca_bounds(draws: Floats, estimate: npt.ArrayLike, jackknife: Floats, confidence: float) -> Bounds:
    """Bias-corrected and accelerated interval, expanded for few seeds.

    Efron (1987), Better Bootstrap Confidence Intervals, JASA 82; the expansion: Hesterberg (2015), What Teachers Should
    Know About the Bootstrap, Am. Stat. 69.

    Args:
        draws: ``[draws, ...]`` bootstrap values.
        estimate: ``[...]`` on the data themselves.
        jackknife: ``[seed, ...]``, the estimate without each seed.
        confidence: coverage, two-sided with equal tails.

    Returns:
        The bounds ``[...]``; where the draws do not vary both are the estimate.
    """
    middle = np.asarray(estimate, np.float64)
    # Draws are made in single precision: those that differ from the estimate in rounding alone are ties.
    tie = _TIE * draws.std(axis=0)
    below = 0.5 * ((draws < middle - tie).mean(axis=0) + (draws <= middle + tie).mean(axis=0))
    edge = 0.5 / len(draws)
    bias = stats.norm.ppf(np.clip(below, edge, 1 - edge))
    pull = jackknife.mean(axis=0) - jackknife
    pull = pull / unit_of(pull, axis=0)  # the acceleration has no unit, and cubes would soon leave double precision
    spread = (pull**2).sum(axis=0)
    acceleration = (pull**3).sum(axis=0) / (6 * np.where(spread > 0, spread, 1) ** 1.5)
    # A bootstrap of n seeds is too narrow by sqrt((n - 1) / n) and knows no Student t: Hesterberg's expansion.
    size = len(jackknife)
    z = np.sqrt(size / max(size - 1, 1)) * stats.t.ppf(0.5 + 0.5 * confidence, max(size - 1, 1))
    ends = [_quantile(draws, _adjusted(bias, acceleration, side * z)) for side in (-1, 1)]
    constant = (np.ptp(draws, axis=0) == 0) | (spread == 0)
    return Bounds(*(np.where(constant, middle, end) for end in ends))


def _adjusted(bias: Floats, acceleration: Floats, z: float) -> Floats:
    return stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))


def _quantile(draws: Floats, level: Floats) -> Floats:
    """The quantile of each column at its own level, linear between order statistics."""
    ordered = np.sort(draws, axis=0)
    place = np.atleast_1d(level * (len(draws) - 1))
    left = np.clip(np.floor(place).astype(np.int64), 0, len(draws) - 2)
    shape = (1, *np.shape(level))
    low, high = (np.take_along_axis(ordered, index.reshape(shape), axis=0)[0] for index in (left, left + 1))
    return low + (place - left).reshape(np.shape(level)) * (high - low)
