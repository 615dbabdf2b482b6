"""Centre and spread of curves over seeds, with a simultaneous band.

The 95 % sup-t band covers the whole curve at once: estimate ± c·se, with c the quantile of the
largest studentised deviation over the checkpoints of one bootstrap over seeds (Montiel Olea
and Plagborg-Møller 2019, Simultaneous Confidence Bands, J. Appl. Econometrics 34).

A draw's mean is studentised by the draw's own standard error (bootstrap-t: Hall 1988, Annals of
Statistics 16), which keeps the coverage with skewed seeds. Median and interquartile mean have no such
error at hand: theirs is the draws' spread, which is too small by sqrt((n - 1) / n) and takes its own
variation for none, so that c is carried from the normal to Student's t with n - 1 degrees of freedom
at equal tail.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.resampling import (
    MEAN_DRAWS,
    TRIMMED_DRAWS,
    Centre,
    Counts,
    Flags,
    Floats,
    Ints,
    centre_of,
    draw_centres,
    draws_for,
    resample_counts,
)

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_ROUNDED = 1e-12  # of the largest value at a checkpoint; what varies less has no spread but rounding
_NO_SPREAD = 1e-3


class Band(NamedTuple):
    """A curve with its simultaneous band; every array but `critical` is ``[..., K]``."""

    estimate: Floats
    low: Floats  # NaN where there are too few seeds
    high: Floats
    few: Flags  # too few seeds have a value there: no band
    constant: Flags  # the band is a point, for all seeds are alike
    critical: Floats  # [...], multiples of the standard error


def quantile_bands(values: npt.ArrayLike, levels: tuple[float, ...] = QUANTILES) -> Floats:
    """Quantiles over seeds (spread of the seeds, not uncertainty of the centre).

    Args:
        values: ``[seed, ...]``; NaN is left out.
        levels: between 0 and 1.

    Returns:
        ``[level, ...]``, NaN where no seed has a value.
    """
    array = np.asarray(values, np.float64)
    some = ~np.isnan(array).all(axis=0)
    filled = np.where(some, array, 0.0)
    return np.where(some, np.nanquantile(filled, levels, axis=0), np.nan)


def simultaneous_band(
    values: npt.ArrayLike,
    centre: Centre = "mean",
    confidence: float = CONFIDENCE,
    draws: int | None = None,
    seed: int = 0,
    counts: Counts | None = None,
) -> Band:
    """Centre over seeds with a band that covers the whole curve.

    Args:
        values: ``[seed, ..., K]`` curves; a band is simultaneous over K, separately for each of
            the dimensions between. For two paired arms pass the seeds' differences.
        centre: mean, median or iqm.
        confidence: coverage of the whole curve.
        draws: bootstrap draws; by default 9 999 for means, 2 000 otherwise, fewer of thousands of seeds.
        seed: of the bootstrap's own random stream.
        counts: a count matrix to use instead of a fresh one.

    Returns:
        The band; where the seeds are all alike it is a point and flagged, and where fewer than
        `few_seeds.MIN_SEEDS` have a value there is none: NaN and flagged.
    """
    array = np.asarray(values, np.float64)
    if counts is None:
        wanted = draws or draws_for(len(array), MEAN_DRAWS if centre == "mean" else TRIMMED_DRAWS)
        counts = resample_counts(len(array), wanted, seed)
    estimate = centre_of(array, centre)
    number = np.count_nonzero(~np.isnan(array), axis=0)
    error, deviation = (_mean_errors if centre == "mean" else _trimmed_errors)(array - estimate, counts, centre, number)
    few = ~enough(number)
    constant = ~few & ~(error > _ROUNDED * np.abs(np.nan_to_num(array)).max(axis=0))
    np.abs(deviation, out=deviation)
    largest = np.where(np.isnan(deviation) | constant | few, 0.0, deviation).max(axis=-1)
    critical = np.asarray(np.quantile(largest, confidence, axis=0))
    if centre != "mean":
        critical = stats.t.isf(stats.norm.sf(critical), np.maximum(number.max(axis=-1) - 1, 1))
    width = np.where(constant, 0.0, critical[..., None] * np.where(constant, 0.0, error))
    width = np.where(few, np.nan, width)
    return Band(estimate, estimate - width, estimate + width, few, constant, critical)


def _mean_errors(centred: Floats, counts: Counts, centre: Centre, number: Ints) -> tuple[Floats, Floats]:
    """Standard error of the mean, and each draw's deviation in standard errors of its own."""
    deviation = draw_centres(centred, counts, centre)
    own = draw_centres(centred**2, counts, centre)
    freedom = np.maximum(number - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(centre_of(centred**2, centre) / freedom)
        own -= deviation**2
        np.sqrt(np.maximum(own, 0.0, out=own) / freedom, out=own)
        # A draw of one seed over and over has no spread of its own to judge by.
        own[own < _NO_SPREAD * error] = np.nan
        deviation /= own
    return error, deviation


def _trimmed_errors(centred: Floats, counts: Counts, centre: Centre, number: Ints) -> tuple[Floats, Floats]:
    """Standard error from the draws' spread, and each draw's deviation in these."""
    deviation = draw_centres(centred, counts, centre)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(_mean_square(deviation) * number / np.maximum(number - 1, 1))
        deviation /= error
    return error, deviation


def _mean_square(deviation: Floats) -> Floats:
    """Mean square over draws about their own mean, NaN left out."""
    known = ~np.isnan(deviation)
    number = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, deviation, 0.0)
    mean = filled.sum(axis=0) / number
    return np.maximum(np.einsum("d...,d...->...", filled, filled) / number - mean**2, 0.0)
