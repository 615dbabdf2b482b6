"""What a run measures in several situations, side by side, and how it changes around each seed's peak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.situation_curves import plot_situations
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.metrics.alignment import aligned
from momentum_jax.analysis.metrics.situations import situations
from momentum_jax.analysis.pages.blocks.depth_tables import ends

_OFFSETS = np.arange(-6_000.0, 12_001.0, 500.0)


def situation_curves(
    ds: xr.Dataset | None, arms: Mapping[str, str], title: str, peaks: Mapping[str, np.ndarray] | None = None
) -> Figure | None:
    """Curves of the first arms in every situation.

    Args:
        ds: a run; None draws nothing, nor does one of an environment with one situation.
        arms: words by the arm's name; those that the run has are drawn.
        title: of the figure.
        peaks: ``[seed]`` step of each seed's peak by arm, on which curves are aligned; NaN leaves a seed out. By
            default curves are drawn over environment steps.
    """
    if ds is None:
        return None
    found = [arm for arm in arms if arm in ds["arm"].values]
    measured = situations(ds.sel(arm=found))
    if not found or not measured:
        return None
    steps = ds["env_steps"].values

    def of_arm(values: xr.DataArray, arm: str) -> np.ndarray:
        curves = values.sel(arm=arm).transpose("seed", "checkpoint").values
        return curves if peaks is None else aligned(steps, curves, peaks[arm], _OFFSETS)

    drawn = {
        label: {
            situation: {arms[arm]: of_arm(values, arm) for arm in found} for situation, values in by_situation.items()
        }
        for label, by_situation in measured.items()
    }
    if peaks is None:
        return plot_situations(steps, drawn, title)
    return plot_situations(_OFFSETS, drawn, title, since="each seed's peak")


def situation_means(
    ds: xr.Dataset | None, arms: Sequence[str], peaks: Mapping[str, np.ndarray], width: float
) -> pd.DataFrame:
    """Every situation before and after each seed's peak.

    Args:
        ds: a run; None gives an empty table.
        arms: those that the run has are taken.
        peaks: as of `situation_curves`.
        width: environment steps before the peak, and after it, over which a seed's mean is taken.

    Returns:
        One row per arm, measurement and situation: ``seeds`` with a peak, and means over them of ``before``, ``after``
        and their ``difference`` (after minus before, the same seeds), each with its 95 % interval.
    """
    if ds is None:
        return pd.DataFrame()
    found = [arm for arm in arms if arm in ds["arm"].values]
    steps, measured = ds["env_steps"].values, situations(ds.sel(arm=found))
    rows: list[dict[str, Any]] = []
    for arm, (label, by_situation) in product(found, measured.items()):
        for situation, values in by_situation.items():
            curves = values.sel(arm=arm).transpose("seed", "checkpoint").values
            front = {"arm": arm, "measured": label, "situation": situation}
            rows.append(front | dict(_around(steps, curves, peaks[arm], width)))
    return pd.DataFrame(rows)


def _around(steps: np.ndarray, curves: np.ndarray, peaks: np.ndarray, width: float) -> Iterator[tuple[str, Any]]:
    before, after = (_means(steps, curves, peaks, width, side) for side in (-1, 1))
    known = ~np.isnan(before) & ~np.isnan(after)
    yield "seeds", int(known.sum())
    for name, values in (("before", before), ("after", after), ("difference", after - before)):
        yield from ends(name, mean_interval(values[known])).items()


def _means(steps: np.ndarray, curves: np.ndarray, peaks: np.ndarray, width: float, side: int) -> np.ndarray:
    """``[seed]`` mean of the checkpoints after (+1) or up to (-1) the seed's peak, within `width` steps of it."""
    since = side * (steps - peaks[:, None])
    within = (since > 0 if side > 0 else since >= 0) & (since <= width) & ~np.isnan(curves)
    total = np.where(within, np.nan_to_num(curves), 0.0).sum(axis=1)
    count = within.sum(axis=1)
    return np.divide(total, count, out=np.full(len(curves), np.nan), where=count > 0)
