"""Curves on a common clock that starts at each seed's own onset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
