"""A run read at fewer checkpoints: counts of a window are those since the checkpoint before that is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from momentum_jax.diagnostics.variables import table
from momentum_jax.run_directory import diagnostics_of


def at_steps(ds: xr.Dataset, steps: Sequence[int]) -> xr.Dataset:
    """The run at those of these environment steps that it has.

    Windows of a few hundred steps are noisy, and a maximum over many of them is deep for that reason alone; two runs
    that were measured at different steps are compared on a grid that both have.

    Args:
        ds: a loaded run, or several joined.
        steps: environment steps.

    Returns:
        The same variables at fewer checkpoints. Numbers that are counted are summed over each longer window. Exact
        ones, and means of a window such as the learner's losses, stay as they are at the checkpoints that are kept.
    """
    rows = np.flatnonzero(np.isin(ds["env_steps"].values, list(steps)))
    kept = ds.isel(checkpoint=rows)
    summed = {}
    for name, variable in table(diagnostics_of(ds)).items():
        if name in ds and variable.kind == "windowed" and variable.dtype == "int64":
            totals = ds[name].cumsum("checkpoint", skipna=False).isel(checkpoint=rows)
            windows = totals - totals.shift(checkpoint=1, fill_value=0)
            summed[name] = windows.transpose(*ds[name].dims).assign_attrs(ds[name].attrs)
    return kept.assign(summed)
