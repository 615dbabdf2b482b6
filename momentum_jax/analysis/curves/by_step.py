"""The seeds at every step: centre with its bands, spread, and where one more run would lie."""

from __future__ import annotations

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet, Floats
from momentum_jax.analysis.inference.bands import quantile_bands, simultaneous_band
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.one_more_curve import one_more_curve
from momentum_jax.analysis.inference.order_statistics import median_interval, one_more_interval
from momentum_jax.analysis.inference.resampling import (
    MEAN_DRAWS,
    bca_bounds,
    draw_centres,
    draws_for,
    resample_counts,
)

QUANTILES = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}


def step_table(curves: CurveSet, choices: Choices) -> pd.DataFrame:
    """One row for each arm and step.

    Returns:
        Columns ``arm, step, seeds`` (with a value there); ``mean`` and ``median``, each with a simultaneous band
        (``_low, _high``: it holds the whole curve) and a pointwise interval (``_point_low, _point_high``: it holds one
        step; BCa of the mean, order statistics of the median); quantiles over seeds and the inter-percentile ranges
        ``range_50`` and ``range_90``; ``change_range_50`` and ``change_range_90``, the same of each seed's change since
        the step before (the curves without their trend: Chan, Fishman, Canny, Korattikara and Guadarrama 2020,
        Measuring the Reliability of Reinforcement Learning Algorithms, ICLR); ``one_more_low, one_more_high``, a band
        that holds the whole curve of one more run, and ``one_more_point_low, one_more_point_high``, which holds its
        value at one step. NaN where there are too few seeds.
    """
    parts = [_arm_rows(curves, choices, arm) for arm in range(len(curves.arms))]
    return pd.concat(parts, ignore_index=True)


def _arm_rows(curves: CurveSet, choices: Choices, arm: int) -> pd.DataFrame:
    values, level = curves.values[arm][curves.ran[arm]], choices.level
    columns: dict[str, object] = {"arm": curves.arms[arm], "step": curves.steps}
    columns["seeds"] = np.count_nonzero(~np.isnan(values), axis=0)
    for centre in ("mean", "median"):
        band = simultaneous_band(values, "mean" if centre == "mean" else "median", level)
        low, high = _mean_points(values, level) if centre == "mean" else median_interval(values, level)
        columns |= {centre: band.estimate, f"{centre}_low": band.low, f"{centre}_high": band.high}
        columns |= {f"{centre}_point_low": low, f"{centre}_point_high": high}
    columns |= _spread(values)
    one_more = one_more_curve(values, level)
    low, high = one_more_interval(values, level)
    columns |= {"one_more_low": one_more.low, "one_more_high": one_more.high}
    columns |= {"one_more_point_low": low, "one_more_point_high": high}
    return pd.DataFrame(columns)


def _spread(values: Floats) -> dict[str, Floats]:
    """Quantiles and ranges over seeds, of the values and of their changes."""
    found = dict(zip(QUANTILES, quantile_bands(values, tuple(QUANTILES.values())), strict=True))
    changes = quantile_bands(np.diff(values, axis=-1, prepend=np.nan), tuple(QUANTILES.values()))
    return found | {
        "range_50": found["q75"] - found["q25"],
        "range_90": found["q95"] - found["q05"],
        "change_range_50": changes[2] - changes[1],
        "change_range_90": changes[3] - changes[0],
    }


def _mean_points(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Pointwise BCa interval of the mean ``[K]``, of the steps where every seed has a value."""
    low, high = np.full((2, values.shape[-1]), np.nan)
    complete = ~np.isnan(values).any(axis=0)
    if enough(len(values)) and complete.any():
        known = values[:, complete]
        counts = resample_counts(len(known), draws_for(len(known), MEAN_DRAWS))
        jackknife = (known.sum(axis=0) - known) / (len(known) - 1)
        bounds = bca_bounds(draw_centres(known, counts, "mean"), known.mean(axis=0), jackknife, confidence)
        low[complete], high[complete] = bounds.low, bounds.high
    return low, high
