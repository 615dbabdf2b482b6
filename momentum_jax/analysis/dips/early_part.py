"""Which steps of a run are its early part: those of the environment's own study, else shares of the run's length.

The shares are those that the momentum study's steps are of a run of 100 000 steps, which is what it trains.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.diagnostics.early_steps import EarlySteps
from momentum_jax.run_directory import diagnostics_of

HORIZON_SHARE = 0.25  # of the run, by which a trough must come
BASELINE_SHARE = 0.05
LANDMARK_SHARES = (0.05, 0.1)
PREDICTION_SHARES = (0.02, 0.05)
_ROW_SHARES = (0.05, 0.1, 0.25, 0.5)  # rows of a table of checkpoints; its last one is the end


def early_steps(ds: xr.Dataset) -> EarlySteps:
    """The steps at which the early part of a loaded run is looked at.

    Those of its environment's description; where that has none, shares of the length that the run was planned to have,
    each but the horizon at the planned checkpoint that is nearest.
    """
    own = diagnostics_of(ds).early
    if own is not None:
        return own
    planned = _planned(ds)
    last = float(planned[-1])
    baseline, *landmarks = (_nearest(planned, share) for share in (BASELINE_SHARE, *LANDMARK_SHARES))
    horizon = HORIZON_SHARE * last
    known = {_nearest(planned, share) for share in PREDICTION_SHARES}
    return EarlySteps(
        horizon=horizon,
        baselines=(0, baseline) if 0 < baseline < horizon else (0,),
        landmarks=_different(planned, landmarks[0], landmarks[1]),
        prediction=tuple(sorted(step for step in known if 0 < step < horizon)),
    )


def is_derived(ds: xr.Dataset) -> bool:
    """Whether the early part follows from the length of the run."""
    return diagnostics_of(ds).early is None


def table_steps(ds: xr.Dataset) -> tuple[int, ...]:
    """Rows of a table of checkpoints of a run whose early part follows from its length; the end is one without this."""
    return tuple(dict.fromkeys(_nearest(_planned(ds), share) for share in _ROW_SHARES))


def _planned(ds: xr.Dataset) -> npt.NDArray[np.int64]:
    """Steps of the planned checkpoints; of those that are there in a dataset that does not say."""
    planned = json.loads(ds.attrs.get("config", "{}")).get("checkpoints") or ds["env_steps"].values.tolist()
    return np.unique(np.asarray(planned, np.int64))


def _nearest(planned: npt.NDArray[np.int64], share: float) -> int:
    """The planned checkpoint after the start that is nearest to a share of the run; 0 where there is none."""
    later = planned[planned > 0]
    return int(later[np.abs(later - share * planned[-1]).argmin()]) if len(later) else 0


def _different(planned: npt.NDArray[np.int64], first: int, second: int) -> tuple[int, int]:
    """Two landmarks; the second one is the next checkpoint where both have the same that is nearest."""
    later = planned[planned > first]
    return (first, second) if second > first or not len(later) else (first, int(later[0]))
