"""An earlier study's arms on new seeds: the new mean beside the interval that the earlier one predicts for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.inference.intervals import Interval, mean_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.replication import predicted_mean
from momentum_jax.analysis.metrics.coarser import at_steps
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.config.declared_claims import Criterion


class Number(NamedTuple):
    """A number of each seed that is compared."""

    name: str
    criterion: Criterion  # its `arm` is replaced


class Study(NamedTuple):
    """Arms of one study on one market; None where it was not run."""

    ds: xr.Dataset | None
    arms: Mapping[str, str]  # the arm's name in the study, by a name that both studies share


def replications(earlier: Study, new: Study, numbers: Sequence[Number]) -> pd.DataFrame:
    """The mean over new seeds beside its prediction from the earlier study's seeds.

    Both are read at the steps that both were measured at. Prediction intervals are simultaneous over all rows
    (Bonferroni).

    Returns:
        A row per arm and number: ``arm, number, earlier_seeds, earlier, predicted_low, predicted_high, seeds``, the
        new mean ``new`` with its 95 % interval, and ``within``: whether it lies in the predicted interval.
    """
    if earlier.ds is None or new.ds is None:
        return pd.DataFrame()
    steps = np.intersect1d(earlier.ds["env_steps"].values, new.ds["env_steps"].values).tolist()
    runs = [RunNumbers(at_steps(ds, steps)) for ds in (earlier.ds, new.ds)]
    pairs = [
        (shared, number)
        for shared, name in new.arms.items()
        for number in numbers
        if shared in earlier.arms and _has(earlier.ds, earlier.arms[shared]) and _has(new.ds, name)
    ]
    rows = []
    for shared, number in pairs:
        before, now = (
            _per_seed(run, number, study.arms[shared]) for run, study in zip(runs, (earlier, new), strict=True)
        )
        known = int((~np.isnan(now)).sum())
        predicted = predicted_mean(before, known, shared_confidence(len(pairs)))
        mean = mean_interval(now)
        row: dict[str, object] = {
            "arm": shared,
            "number": number.name,
            "earlier_seeds": int((~np.isnan(before)).sum()),
            "earlier": predicted.estimate,
            "predicted_low": predicted.low,
            "predicted_high": predicted.high,
            "seeds": known,
        }
        rows.append(row | ends("new", mean) | {"within": _within(mean.estimate, predicted)})
    return pd.DataFrame(rows)


def _within(mean: float, predicted: Interval) -> str:
    if np.isnan([mean, predicted.low]).any():
        return "not measured"
    return "yes" if predicted.low <= mean <= predicted.high else "no"


def _has(ds: xr.Dataset, arm: str) -> bool:
    return arm in ds["arm"].values


def _per_seed(run: RunNumbers, number: Number, arm: str) -> npt.NDArray[np.float64]:
    if number.criterion.step > run.ds["env_steps"].values[-1]:
        return np.full(run.ds.sizes["seed"], np.nan)
    return run.per_seed(number.criterion, number.criterion.counted, arm)
