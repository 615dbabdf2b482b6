"""Simple numbers that figures draw: curves aligned on onset, predictors of depth, policy/visit split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import stats

from momentum_jax.analysis.metrics.curves import healthy

Floats = npt.NDArray[np.float64]

_SMALLEST_CLASS = 5


def aligned(env_steps: npt.ArrayLike, curves: npt.ArrayLike, onset: npt.ArrayLike, offsets: npt.ArrayLike) -> Floats:
    """Curves on a common clock that starts at each seed's own onset.

    Args:
        env_steps: ``[K]`` environment steps, increasing.
        curves: ``[seed, K]``.
        onset: ``[seed]`` environment step of each seed's onset; NaN leaves the seed out.
        offsets: ``[M]`` steps after the onset.

    Returns:
        ``[seed with an onset, M]``, linear between checkpoints, NaN outside the run.
    """
    steps, values = np.asarray(env_steps, np.float64), np.asarray(curves, np.float64)
    rows = []
    for start, row in zip(np.asarray(onset, np.float64), values, strict=True):
        known = ~np.isnan(row)
        if np.isnan(start) or not known.any():
            continue
        at = start + np.asarray(offsets, np.float64)
        rows.append(np.interp(at, steps[known], row[known], left=np.nan, right=np.nan))
    return np.array(rows).reshape(len(rows), np.size(offsets))


def predictor_table(features: Mapping[str, npt.ArrayLike], depth: npt.ArrayLike, dipped: npt.ArrayLike) -> pd.DataFrame:
    """How well each feature, measured before, predicts the depth and the presence of a dip.

    Args:
        features: ``[seed]`` values by name, measured at a landmark step.
        depth: ``[seed]`` depth afterwards.
        dipped: ``[seed]`` whether a dip came afterwards.

    Returns:
        Columns ``predictor, seeds, r2`` (leave-one-out, of a straight line; below 0 is worse
        than the mean), ``spearman, auroc, auroc_low, auroc_high`` (Hanley and McNeil's 95 %
        interval; NaN with fewer than five seeds in a class).
    """
    target, labels = np.asarray(depth, np.float64), np.asarray(dipped, bool)
    rows = []
    for name, values in features.items():
        feature = np.asarray(values, np.float64)
        known = np.isfinite(feature) & np.isfinite(target)
        x, y = feature[known], target[known]
        varied = len(x) > 3 and np.ptp(x) > 0 and np.ptp(y) > 0
        area, low, high = _auroc(x, labels[known])
        rows.append(
            {
                "predictor": name,
                "seeds": len(x),
                "r2": _left_out_r2(x, y) if varied else np.nan,
                "spearman": float(stats.spearmanr(x, y).statistic) if varied else np.nan,
                "auroc": area,
                "auroc_low": low,
                "auroc_high": high,
            }
        )
    return pd.DataFrame(rows)


def _left_out_r2(x: Floats, y: Floats) -> float:
    """R² of leave-one-out predictions of a straight line, against leave-one-out means."""
    centred = x - x.mean()
    leverage = 1 / len(x) + centred**2 / (centred**2).sum()
    residual = y - y.mean() - centred * (centred @ y) / (centred**2).sum()
    alone = (y - y.mean()) * len(y) / (len(y) - 1)
    return float(1 - ((residual / (1 - leverage)) ** 2).sum() / (alone**2).sum())


def _auroc(x: Floats, labels: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    positive, negative = int(labels.sum()), int((~labels).sum())
    if min(positive, negative) < _SMALLEST_CLASS:
        return np.nan, np.nan, np.nan
    area = float(stats.mannwhitneyu(x[labels], x[~labels]).statistic) / (positive * negative)
    both, twice = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positive - 1) * (both - area**2) + (negative - 1) * (twice - area**2)
    width = 1.96 * np.sqrt(max(variance, 0) / (positive * negative))
    return area, max(area - width, 0), min(area + width, 1)


def policy_visit_split(ds: xr.Dataset) -> tuple[Floats, Floats]:
    """Change of windowed HOLD % between checkpoints, split into a policy part and a visit part.

    Kitagawa's decomposition over setup scores: with shares w and rates r of HOLD per score,
    policy = sum of mean(w) x change of r, visit = sum of mean(r) x change of w. Rates come from
    the decisions counted in each window.

    Returns:
        ``policy, visit``, each ``[arm, seed, K - 1]`` in points; NaN where a window is empty.
    """
    counts = ds["flat_count"].where(healthy(ds)).transpose("arm", "seed", "checkpoint", "setup_score", "action")
    by_score = counts.sum("action", skipna=False).values
    total = by_score.sum(axis=-1, keepdims=True)
    hold = counts.sel(action="HOLD").values
    share = by_score / np.where(total > 0, total, np.nan)
    # A score that was not visited has no rate; it weighs nothing, and takes the seed's other window's.
    rate = hold / np.where(by_score > 0, by_score, np.nan)
    before, after = rate[..., :-1, :], rate[..., 1:, :]
    before, after = np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)
    before, after = np.nan_to_num(before), np.nan_to_num(after)
    policy = ((after - before) * (share[..., 1:, :] + share[..., :-1, :]) / 2).sum(axis=-1)
    visit = ((share[..., 1:, :] - share[..., :-1, :]) * (after + before) / 2).sum(axis=-1)
    return 100 * policy, 100 * visit
