"""Falls of a run's curves against noise alone: estimated from counts, or known from recorded standard errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.design_effect import binomial_sigma, design_effect
from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.dips.noise import Singles, chance_of_so_many, draw_noise, judge_against_null
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.analysis.metrics.derived_curves import counts_of, derive_curves, fraction, healthy, standard_errors
from momentum_jax.analysis.metrics.metric_curves import Curve, dip_curves
from momentum_jax.diagnostics.description import Diagnostics, Recorded
from momentum_jax.diagnostics.early_steps import EarlySteps
from momentum_jax.diagnostics.session_profit import VALIDATION
from momentum_jax.run_directory import diagnostics_of

Floats = npt.NDArray[np.float64]

NOISE_DRAWS = 1_000
# Standard errors of 0, of episodes that were all alike, are taken for this part of the curve's range: two checkpoints
# that were both measured without spread and differ are told apart, and one of them says nothing of the other.
_LEAST_ERROR = 1e-6


def noise_table(ds: xr.Dataset, draws: int = NOISE_DRAWS) -> pd.DataFrame:
    """Falls of every healthy seed against what noise alone makes of curves that never fall.

    Noise is that of the counts of windowed shares and ratios, with a design effect, and of a curve with recorded
    standard errors these, with the tails of Student's t with one degree of freedom fewer than episodes or days.

    Args:
        ds: a loaded run, or several joined.
        draws: simulated curves, the same for all seeds.

    Returns:
        One row per arm with a healthy seed, metric and baseline: ``design_effect`` (variance of the counts over that
        of independent decisions; median, least and greatest of the windows by the horizon), means over seeds of the
        clearest ``fall`` and of what chance makes there in 5 % of such curves (``by_chance``), in points; how many
        ``seeds`` ``exceed`` it and how many ``come_back`` as clearly; ``p_value``, the chance that so many of the
        seeds exceed it when none of them falls. NaN with a ``flag`` where the noise is not known: of counts with one
        seed, of evaluated episodes with one episode.
    """
    rows = []
    derived = derive_curves(ds)
    for arm in ds["arm"].values:
        seeds = _healthy_seeds(ds.sel(arm=arm))
        run, curves = (each.sel(arm=arm).isel(seed=seeds) for each in (ds, derived))
        for curve in dip_curves(diagnostics_of(ds)):
            noisy = _noisy(run, curves, curve, draws)
            if noisy is not None and len(noisy.values):
                rows += [
                    {"arm": arm, "metric": curve.label} | row
                    for row in _rows(ds["env_steps"].values, noisy, early_steps(ds))
                ]
    front = ["arm", "metric", "baseline", "design_effect_median", "design_effect_min", "design_effect_max"]
    back = ["fall", "by_chance", "seeds", "exceed", "come_back", "p_value", "flag"]
    return pd.DataFrame(rows, columns=[*front, *back])


class _Noisy(NamedTuple):
    """A curve of an arm's healthy seeds and its noise."""

    values: Floats  # [seed, K]
    sigma: Floats  # [seed, K] standard deviations
    noise: Singles  # of `draw_noise`
    effect: Floats  # [K] design effect; NaN where the noise is not that of counts
    sign: int  # +1 where more is good
    flag: str


def _rows(steps: npt.NDArray[np.int64], curve: _Noisy, early: EarlySteps) -> Iterator[dict[str, Any]]:
    """A row for each baseline."""
    for baseline in early.baselines:
        limits = (early.horizon, baseline, LEVEL)
        test = judge_against_null(steps, curve.sign * curve.values, curve.sigma, curve.noise, *limits)
        testable = ~np.isnan(test.by_chance)
        within = curve.effect[(steps > baseline) & (steps <= early.horizon) & ~np.isnan(curve.effect)]
        middle, least, greatest = np.quantile(within, [0.5, 0, 1]) if len(within) else np.full(3, np.nan)
        yield {
            "baseline": baseline,
            "design_effect_median": middle,
            "design_effect_min": least,
            "design_effect_max": greatest,
            "fall": float(test.fall[testable].mean()) if testable.any() else np.nan,
            "by_chance": float(test.by_chance[testable].mean()) if testable.any() else np.nan,
            "seeds": int(testable.sum()) if testable.any() else len(testable),
            "exceed": int(test.exists.sum()) if testable.any() else np.nan,
            "come_back": int(test.comes_back.sum()) if testable.any() else np.nan,
            "p_value": chance_of_so_many(int(test.exists.sum()), int(testable.sum())),
            "flag": curve.flag,
        }


def _healthy_seeds(run: xr.Dataset) -> npt.NDArray[np.int64]:
    """Places of the seeds of an arm that never failed."""
    return np.flatnonzero(healthy(run).all("checkpoint").values)


def _noisy(run: xr.Dataset, curves: xr.Dataset, curve: Curve, draws: int) -> _Noisy | None:
    """A curve with its noise; None where nothing is recorded that tells it.

    Args:
        run: an arm's healthy seeds.
        curves: theirs, as `derive_curves` has them.
        curve: which.
        draws: of the noise.
    """
    errors = standard_errors(run, curve.metric)
    if errors is not None:
        return _evaluated(run, curves[curve.name], curve, errors.transpose("seed", "checkpoint").values, draws)
    if curve.counted != "windowed" or isinstance(curve.metric.derived, Recorded):
        return None
    return _counted(run, curves, curve, draws)


def _counted(run: xr.Dataset, curves: xr.Dataset, curve: Curve, draws: int) -> _Noisy:
    """A windowed share or ratio, with the noise of its counts."""
    steps, name = run["env_steps"].values, curve.metric.exact_name
    parts = fraction(curve.metric, counts_of(run), diagnostics_of(run))
    successes, totals = (part.transpose("seed", "checkpoint").values for part in parts)
    exact = curves[name].transpose("seed", "checkpoint").values[:, 1:] if name else None
    found = design_effect(steps[1:], successes[:, 1:], totals[:, 1:], early_steps(run).horizon, exact)
    effect = np.concatenate([[np.nan], found.effect])
    return _Noisy(
        values=100 * successes / np.where(totals > 0, totals, np.nan),
        sigma=binomial_sigma(successes, totals, effect),
        noise=draw_noise(len(steps), found.freedom, found.block, draws),
        effect=effect,
        sign=curve.sign,
        flag=found.flag,
    )


def _replicates(diagnostics: Diagnostics, curve: Curve) -> float:
    """Episodes or days whose spread is a curve's standard error; infinite where nothing says how many."""
    if diagnostics.traded_sessions and curve.name.startswith(VALIDATION):
        return diagnostics.traded_sessions.num_days
    return diagnostics.evaluation.episodes if diagnostics.evaluation else np.inf


def _evaluated(run: xr.Dataset, derived: xr.DataArray, curve: Curve, errors: Floats, draws: int) -> _Noisy:
    """A curve whose standard errors are recorded."""
    freedom = _replicates(diagnostics_of(run), curve) - 1
    values = derived.transpose("seed", "checkpoint").values
    known = values[np.isfinite(values)]
    least = _LEAST_ERROR * float(np.ptp(known)) if len(known) else 0.0
    return _Noisy(
        values=values,
        sigma=np.maximum(errors, least),
        noise=draw_noise(values.shape[1], max(freedom, 1), 1, draws),
        effect=np.full(values.shape[1], np.nan),
        sign=curve.sign,
        flag="" if freedom > 0 else "one episode or day",
    )
