"""What early steps tell of the dip: features at landmark steps, tested on seeds held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.drawdowns import drawdowns, largest_drawdown
from momentum_jax.analysis.dips.evidence import prediction_columns
from momentum_jax.analysis.inference.predictors import landmark_features, predict, rank_correlation
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.metrics.metric_curves import primary_curve
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Floats
from momentum_jax.run_directory import diagnostics_of

Arms = Sequence[tuple[str, xr.Dataset]]
"""Labels and datasets of one arm each."""


def predictions(arms: Arms, landmarks: Sequence[int], trough: int, horizon: float) -> pd.DataFrame:
    """What is known at each landmark about the depth at the trough, and about the fall that follows.

    ``depth_at_<trough>k`` is how far the primary metric at the trough has fallen from its best value so far;
    ``later_rise`` the largest fall from the landmark on within the horizon, which nothing before it has a share in.

    Args:
        arms: those that have a checkpoint at the trough are taken.
        landmarks: steps at which the features are taken.
        trough: step of the depth, a multiple of 1 000.
        horizon: steps within which a later trough counts.
    """
    rows = []
    for name, ds in _reaching(arms, trough):
        alone = primary_curve(diagnostics_of(ds)).metric.label.lower().replace(" ", "_")
        for landmark in landmarks:
            _, features = landmark_features(ds, landmark)
            for outcome, values in _outcomes(ds, landmark, trough, horizon).items():
                found = predict(features.values[0], values)
                front = {"arm": name, "outcome": outcome, "known_at_step": landmark}
                rows.append(front | prediction_columns(found, alone))
    return pd.DataFrame(rows)


def single_features(arms: Arms, landmarks: Sequence[int], trough: int, horizon: float) -> pd.DataFrame:
    """Each feature alone: its rank correlation over seeds with the depth at the trough, a column per landmark.

    The arguments are those of `predictions`.
    """
    rows = []
    for name, ds in _reaching(arms, trough):
        depth = _outcomes(ds, landmarks[0], trough, horizon)[_depth_at(trough)]
        found = [landmark_features(ds, landmark) for landmark in landmarks]
        for index, feature in enumerate(found[0][0]):
            row: dict[str, Any] = {"arm": name, "feature": feature}
            for landmark, (_, values) in zip(landmarks, found, strict=True):
                row |= ends(f"at_{landmark}", rank_correlation(depth, values.values[0, :, index]))
            rows.append(row)
    return pd.DataFrame(rows)


def pooled(ds: xr.Dataset, arms: Sequence[str], label: str) -> xr.Dataset:
    """Arms of equal settings and independent streams as the seeds of one arm."""
    parts, offset = [], 0
    for arm in arms:
        part = ds.sel(arm=[arm])
        parts.append(part.assign_coords(arm=[label], seed=part["seed"] + offset))
        offset += int(ds["seed"].max()) + 1
    return xr.concat(parts, dim="seed", data_vars="all")


def _reaching(arms: Arms, trough: int) -> Arms:
    return [(name, ds) for name, ds in arms if trough in ds["env_steps"].values]


def _outcomes(ds: xr.Dataset, landmark: int, trough: int, horizon: float) -> dict[str, Floats]:
    steps, curve = ds["env_steps"].values, primary_curve(diagnostics_of(ds))
    values = derive_curves(ds)[curve.name].transpose("arm", "seed", "checkpoint").values[0]
    until = drawdowns(curve.sign * values[:, steps <= trough]).drawdown
    later = largest_drawdown(steps, values, curve.sign, horizon, landmark).depth
    return {_depth_at(trough): until[:, -1], "later_rise": later}


def _depth_at(trough: int) -> str:
    return f"depth_at_{trough // 1_000}k"
