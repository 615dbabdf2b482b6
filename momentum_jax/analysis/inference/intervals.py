"""Confidence intervals over seeds. The seed is the unit; constant data gives a flagged point."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.resampling import (
    MEAN_DRAWS,
    bca_bounds,
    draw_centres,
    draws_for,
    resample_counts,
    times_drawn,
)

_CONSTANT = 1e-11  # of the values' size; what varies less has no spread but rounding
_BLOCK = 1_000_000  # values at a time
_EACH, _GROUPS = 1_000, 250  # seeds left out one by one at most; groups of more


class Interval(NamedTuple):
    """An estimate with its interval; `flag` is empty or says why the interval is a point."""

    estimate: float
    low: float
    high: float
    flag: str = ""


def wilson_interval(successes: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson score interval of a proportion, as fractions; NaN where `total` is 0."""
    if not total:
        return Interval(np.nan, np.nan, np.nan, "no seeds")
    bounds = stats.binomtest(successes, total).proportion_ci(confidence, method="wilson")
    return Interval(successes / total, float(bounds.low), float(bounds.high))


def mean_interval(values: npt.ArrayLike, confidence: float = CONFIDENCE, seed: int = 0, size: float = 0.0) -> Interval:
    """Mean over seeds with a BCa bootstrap interval.

    Args:
        values: ``[seed]``; NaN is left out.
        confidence: coverage of the interval.
        seed: of the bootstrap's own random stream, so that a report repeats itself.
        size: as of `is_constant`.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    point = _point(known, known.mean() if len(known) else np.nan, size)
    if point:
        return point
    draws = draw_centres(known, resample_counts(len(known), draws_for(len(known), MEAN_DRAWS), seed), "mean")
    jackknife = (known.sum() - known) / (len(known) - 1)
    bounds = bca_bounds(draws, known.mean(), jackknife, confidence)
    return Interval(float(known.mean()), float(bounds.low), float(bounds.high))


def statistic_interval(
    samples: Sequence[npt.ArrayLike],
    statistic: Callable[..., npt.NDArray[np.float64]],
    confidence: float = CONFIDENCE,
    draws: int = 4_999,
    seed: int = 0,
) -> Interval:
    """Any statistic of seeds with a BCa bootstrap interval; what belongs to a seed is drawn together.

    Args:
        samples: arrays ``[seed]`` without NaN, all of the same seeds.
        statistic: takes as many arrays ``[..., seed]`` and returns ``[...]``.
        confidence: coverage of the interval.
        draws: bootstrap draws; those where the statistic is not defined are left out.
        seed: of the bootstrap's own random stream.
    """
    arrays = [np.asarray(sample, np.float64) for sample in samples]
    num_seeds = len(arrays[0])
    if num_seeds < 2:
        return _few(float(arrays[0][0]) if num_seeds else np.nan, num_seeds)
    estimate = float(statistic(*arrays))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = _drawn(num_seeds, draws_for(num_seeds, draws), seed)
        boot = np.concatenate([statistic(*(array[block] for array in arrays)) for block in drawn])
        jackknife = _jackknife(arrays, statistic)
    return _bootstrapped(estimate, boot, jackknife, confidence)


def interval_of_means(
    samples: Sequence[npt.ArrayLike],
    statistic: Callable[..., npt.NDArray[np.float64]],
    confidence: float = CONFIDENCE,
    draws: int = 4_999,
    seed: int = 0,
) -> Interval:
    """`statistic_interval` of what depends on means over seeds alone, several times as fast once its draws are kept.

    Args:
        samples: as of `statistic_interval`, like the rest.
        statistic: takes the mean ``[...]`` of each sample and returns ``[...]``.
        confidence: coverage of the interval.
        draws: bootstrap draws.
        seed: of the bootstrap's own random stream.
    """
    values = np.stack([np.asarray(sample, np.float64) for sample in samples], axis=1)
    num_seeds = len(values)
    if num_seeds < 2:
        return _few(float(values[0, 0]) if num_seeds else np.nan, num_seeds)
    estimate = float(statistic(*values.mean(axis=0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        boot = statistic(*(_weights(num_seeds, draws_for(num_seeds, draws), seed) @ values).T)
        jackknife = _jackknife(list(values.T), lambda *kept: statistic(*(each.mean(axis=-1) for each in kept)))
    return _bootstrapped(estimate, boot, jackknife, confidence)


def _bootstrapped(
    estimate: float, boot: npt.NDArray[np.float64], jackknife: npt.NDArray[np.float64], confidence: float
) -> Interval:
    boot, jackknife = boot[np.isfinite(boot)], jackknife[np.isfinite(jackknife)]
    if not np.isfinite(estimate) or len(boot) < 2 or not len(jackknife) or is_constant(boot):
        return Interval(estimate, estimate, estimate, "constant")
    bounds = bca_bounds(boot, estimate, jackknife, confidence)
    return Interval(estimate, float(bounds.low), float(bounds.high))


def _drawn(num_seeds: int, draws: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Seeds of every draw ``[draw, num_seeds]``, block by block."""
    rng = np.random.default_rng(seed)
    size = max(_BLOCK // num_seeds, 1)
    for start in range(0, draws, size):
        yield rng.integers(num_seeds, size=(min(size, draws - start), num_seeds))


@functools.lru_cache(maxsize=1)
def _weights(num_seeds: int, draws: int, seed: int) -> npt.NDArray[np.float64]:
    """Share of every draw that each seed makes up ``[draw, num_seeds]``, not to be written to.

    The last ones are kept, for every mean of a run's seeds asks for the same.
    """
    weights = np.concatenate([times_drawn(block) for block in _drawn(num_seeds, draws, seed)]) / num_seeds
    weights.flags.writeable = False
    return weights


def _jackknife(
    arrays: Sequence[npt.NDArray[np.float64]], statistic: Callable[..., npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """The statistic without each seed; of more than a thousand seeds without each of 250 groups of them."""
    num_seeds = len(arrays[0])
    groups = np.array_split(np.arange(num_seeds), num_seeds if num_seeds <= _EACH else _GROUPS)
    by_size: dict[int, list[npt.NDArray[np.int64]]] = {}
    for group in groups:
        by_size.setdefault(len(group), []).append(np.delete(np.arange(num_seeds), group))
    parts = []
    for rows in by_size.values():
        size = max(_BLOCK // num_seeds, 1)
        for start in range(0, len(rows), size):
            kept = np.stack(rows[start : start + size])
            parts.append(statistic(*(array[kept] for array in arrays)))
    return np.concatenate(parts)


def is_constant(values: npt.ArrayLike, size: float = 0.0) -> bool:
    """Whether numbers differ by no more than rounding.

    Args:
        values: one or more, without NaN.
        size: of what they are differences of, where that is larger than they are.
    """
    known = np.asarray(values, np.float64)
    return bool(np.ptp(known) <= _CONSTANT * max(float(np.abs(known).max()), size))


def _point(known: npt.NDArray[np.float64], estimate: float, size: float) -> Interval | None:
    """The flagged point that too few or constant values give; None where an interval can be had."""
    if len(known) < 2:
        return _few(float(estimate), len(known))
    value = float(estimate)
    return Interval(value, value, value, "constant") if is_constant(known, size) else None


def _few(estimate: float, num_seeds: int) -> Interval:
    return Interval(estimate, estimate, estimate, "one seed" if num_seeds else "no seeds")
