"""Simple numbers that figures draw: curves aligned on onset, policy/visit split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.metrics.curves import healthy

Floats = npt.NDArray[np.float64]


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
