"""How sure a run is: dips against simulated noise, arms compared on the same seeds, what predicts the depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.drawdowns import largest_drawdown, reaches
from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.dips.noise_table import NOISE_DRAWS, noise_table
from momentum_jax.analysis.dips.thresholds import dip_threshold
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.multiplicity import holm
from momentum_jax.analysis.inference.paired import compare_means, compare_shares, comparison_columns
from momentum_jax.analysis.inference.predictors import (
    LEARNER_FEATURES,
    Prediction,
    held_out_score,
    landmark_features,
    predict,
    predict_alone,
)
from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps, standard_errors
from momentum_jax.analysis.metrics.metric_curves import primary_curve
from momentum_jax.analysis.report.formatting import in_unit
from momentum_jax.run_directory import diagnostics_of

Floats = npt.NDArray[np.float64]

# Of each by itself: what else a learner tells at a step.
_FURTHER_FEATURES = ("grad_norm", "reward_sum")
_LABELS = {"d_prime_exact": "d′", "criterion_exact": "c"}


class Evidence(NamedTuple):
    """What a report's tables and figures both show, computed once."""

    noise: pd.DataFrame  # of `noise_table`
    predicted: pd.DataFrame  # of `prediction_table`
    predictors: pd.DataFrame  # of `predictor_table`


def gather(ds: xr.Dataset, draws: int = NOISE_DRAWS) -> Evidence:
    """The evidence of a loaded run; arguments as for `noise_table`."""
    return Evidence(noise_table(ds, draws), prediction_table(ds), predictor_table(ds))


def seed_depths(ds: xr.Dataset, baselines: Sequence[float]) -> Floats:
    """``[baseline, arm, seed]`` depth of the primary curve by the horizon, from each on; NaN for seeds that failed."""
    primary = primary_curve(diagnostics_of(ds))
    unfailed = derive_curves(ds)[primary.name].where(failed_steps(ds) < 0).transpose("arm", "seed", "checkpoint")
    steps, values, horizon = ds["env_steps"].values, unfailed.values, early_steps(ds).horizon
    depths = [largest_drawdown(steps, values, primary.sign, horizon, baseline).depth for baseline in baselines]
    return np.array(depths).reshape(len(depths), *values.shape[:2])


def comparison_table(ds: xr.Dataset) -> pd.DataFrame:
    """Every arm against the first on the same seeds, on the primary curve; empty with one arm.

    Returns:
        One row per arm and number (its column is named after the curve): ``difference`` with its 95 % interval
        (means: BCa; shares: Newcombe), ``p_value`` (sign-flip permutation; exact McNemar), ``p_holm`` over all rows,
        and the pairing ``correlation``.
    """
    primary = primary_curve(diagnostics_of(ds))
    values = derive_curves(ds)[primary.name]
    threshold = dip_threshold(primary.metric, values, standard_errors(ds, primary.metric))
    arms = [str(arm) for arm in ds["arm"].values]
    falls = seed_depths(ds, [0])[0]
    dips = np.where(np.isnan(falls), np.nan, reaches(falls, threshold))
    last = values.where(failed_steps(ds) < 0).transpose("arm", "seed", "checkpoint").values[..., -1]
    rows: list[dict[str, Any]] = []
    name = f"{primary.counted}_{primary.name}"
    largest = in_unit(f"largest {primary.worse} within the horizon", primary.points)
    for index in range(1, len(arms)):
        for number, found in ((largest, falls), (in_unit("at the end", primary.unit), last)):
            means = compare_means(found[index], found[0])
            front = {"arm": arms[index], "minus": arms[0], name: number}
            rows.append(front | comparison_columns(means.difference, means.p_value, means.correlation, means.pairs))
        shares = compare_shares(dips[index], dips[0])
        estimate, low, high, flag = shares.difference
        scaled = Interval(100 * estimate, 100 * low, 100 * high, flag)
        number = f"seeds that {primary.worse} by {threshold:.4g} {primary.points}".rstrip() + ", %"
        front = {"arm": arms[index], "minus": arms[0], name: number}
        rows.append(front | comparison_columns(scaled, shares.p_value, shares.correlation, shares.pairs))
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_value"])) if rows else table


def prediction_table(ds: xr.Dataset) -> pd.DataFrame:
    """What is known at the run's steps of prediction about the later depth of the primary curve, on held-out seeds.

    Returns:
        One row per arm and step that the run has: out-of-fold ``r2`` of all features, that of the curve alone (named
        after the metric's label, such as ``hold_r2``) and their ``gain``, each with its 95 % interval;
        ``detectable_r2``, the share of the variance that so many seeds find with 80 % power; ``spearman`` and
        ``auroc``. NaN with fewer than ten seeds.
    """
    alone = primary_curve(diagnostics_of(ds)).metric.label.lower().replace(" ", "_")
    steps = [step for step in early_steps(ds).prediction if step in ds["env_steps"].values[:-1]]
    rows = []
    for step, depths in zip(steps, seed_depths(ds, steps), strict=True):
        _, features = landmark_features(ds, step)
        for arm, values, depth in zip(ds["arm"].values, features.values, depths, strict=True):
            rows.append({"arm": arm, "known_at_step": step} | prediction_columns(predict(values, depth), alone))
    return pd.DataFrame(rows)


def predictor_table(ds: xr.Dataset) -> pd.DataFrame:
    """What each feature by itself says at the last step of prediction about the later depth, first arm.

    Returns:
        One row per ``predictor``, all that `prediction_table` takes together first: out-of-fold ``r2`` with its 95 %
        interval and ``auroc`` of a depth above the median. NaN with fewer than ten seeds; empty without that step.
    """
    step = max(early_steps(ds).prediction, default=0)
    if not step or step not in ds["env_steps"].values[:-1]:
        return pd.DataFrame()
    # Of all arms and not of the first one's own dataset, whose curves would have to be derived anew.
    names, features = landmark_features(ds, step, (*LEARNER_FEATURES, *_FURTHER_FEATURES))
    each, depth = features.values[0], seed_depths(ds, [step])[0, 0]
    whole = held_out_score(each[:, [name not in _FURTHER_FEATURES for name in names]], depth)
    found = [whole, *predict_alone(each, depth)]
    primary = primary_curve(diagnostics_of(ds))
    known = _LABELS | {primary.name: f"{primary.symbol} alone"}
    labels = ["all together", *(known.get(name, name.replace("_", " ")) for name in names)]
    rows = [(label, *one.r2[:3], one.auroc) for label, one in zip(labels, found, strict=True)]
    return pd.DataFrame(rows, columns=["predictor", "r2", "r2_low", "r2_high", "auroc"])


def prediction_columns(found: Prediction, alone: str) -> dict[str, Any]:
    """A prediction as columns: seeds, the R² with their intervals and what could be found, rank correlation, AUROC.

    Args:
        found: of all features, and of the first one alone.
        alone: what the first feature is called in the name of its column.
    """
    row: dict[str, Any] = {"seeds": found.seeds}
    for name, interval in (("r2", found.r2), (f"{alone}_r2", found.trivial_r2), ("gain", found.gain)):
        row |= {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return row | {
        "detectable_r2": found.detectable_r2,
        "spearman": found.spearman,
        "auroc": found.auroc,
    }
