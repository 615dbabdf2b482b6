"""Means of a run's values in windows of steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.curves.reading.aligned_noise import noise_of_means
from momentum_jax.analysis.curves.reading.reading import RunCurve

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def window_means(run: RunCurve, edges: Floats, replicates: bool = False) -> RunCurve:
    """Means of a run's values in windows.

    Args:
        run: its steps may repeat.
        edges: ``[N + 1]``; a window holds the steps above its lower edge, the first one the lower edge too.
        replicates: also keep the values of each window as replicates, where they are independent, such as the returns
            of episodes; there are none where no window has two.
    """
    known = ~np.isnan(run.values)
    steps, values = run.steps[known], run.values[known]
    window = np.maximum(np.searchsorted(edges, steps, side="left") - 1, 0)
    count = np.bincount(window, minlength=len(edges) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(window, values, minlength=len(count)) / count
    noise = noise_of_means(run, window, count)
    if replicates and (count > 1).any():
        noise = {"replicates": _side_by_side(window, values, count)}
    return replace(run, steps=edges[1:], values=mean, noise=noise)


def _side_by_side(window: Ints, values: Floats, count: Ints) -> Floats:
    """The values of each window as a column ``[R, N]``, NaN below those that have fewer."""
    order = np.argsort(window, kind="stable")
    within = np.arange(len(window)) - np.repeat(np.cumsum(count) - count, count)
    each = np.full((count.max(initial=0), len(count)), np.nan)
    each[within, window[order]] = values[order]
    return each
