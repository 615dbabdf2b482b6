"""The simultaneous band of a curve's median over seeds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CELLS = 4_000_000  # values held at once, 32 MB


class Band(NamedTuple):
    """Median over seeds and its band, each ``[K]``; NaN where no seed has a value."""

    middle: Floats
    low: Floats
    high: Floats


def simultaneous_band(curves: npt.ArrayLike, confidence: float = 0.95, resamples: int = 1_000, seed: int = 0) -> Band:
    """A sup-t band that covers the whole median curve at once.

    One bootstrap over seeds: whole trajectories are drawn, the medians' standard error is
    taken at each checkpoint, and the band's half-width is the `confidence` quantile of the
    largest standardised deviation times that error.

    Args:
        curves: ``[seed, K]``; NaN is a checkpoint that a seed does not have.
        confidence: probability that the band holds the whole curve.
        resamples: bootstrap draws.
        seed: of the bootstrap's own random stream, so that a report repeats itself.
    """
    values = np.asarray(curves, np.float64)
    middle = np.full(values.shape[1], np.nan)
    known = ~np.isnan(values).all(axis=0)
    middle[known] = np.nanmedian(values[:, known], axis=0)
    draws = _median_draws(values[:, known], resamples, np.random.default_rng(seed))
    error = _without_warning(np.nanstd, draws)
    scale = np.where(error > 0, error, np.inf)  # a constant checkpoint never decides the maximum
    largest = np.nanmax(np.abs(draws - middle[known]) / scale, axis=1) if known.any() else np.zeros(1)
    width = np.zeros_like(middle)
    width[known] = np.nanquantile(largest, confidence) * error
    return Band(middle, middle - width, middle + width)


def _median_draws(values: Floats, resamples: int, key: np.random.Generator) -> Floats:
    batch = max(_CELLS // max(values.size, 1), 1)
    columns = np.ascontiguousarray(values.T)  # medians run along memory
    complete = not np.isnan(values).any()  # NumPy's median is many times faster than its nanmedian
    parts = []
    for start in range(0, resamples, batch):
        rows = key.integers(len(values), size=(min(batch, resamples - start), len(values)))
        drawn = columns[:, rows]
        parts.append(np.median(drawn, axis=-1) if complete else _without_warning(np.nanmedian, drawn, axis=-1))
    return np.concatenate(parts, axis=1).T


def _without_warning(function: Callable[..., Any], values: Floats, axis: int = 0) -> Floats:
    """A draw may hold only seeds without a value at some checkpoint; that is NaN, and no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(function(values, axis=axis), np.float64)
