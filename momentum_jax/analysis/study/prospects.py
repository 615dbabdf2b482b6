"""What can be known beforehand: the dip predicted from early steps, and how many seeds someone needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.drawdowns import drawdowns, largest_drawdown, reaches
from momentum_jax.analysis.dips.evidence import prediction_columns
from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.inference.power import seeds_needed
from momentum_jax.analysis.inference.predictors import landmark_features, predict, rank_correlation
from momentum_jax.analysis.metrics.curves import derive_curves
from momentum_jax.analysis.study.market import REFERENCE, TRAP_MENDED, Market, paired
from momentum_jax.analysis.study.tables import ends

Floats = npt.NDArray[np.float64]

LANDMARKS = (2_000, 3_000, 5_000)
_TROUGH = 10_000
_NULL_PREVALENCE = 0.05
_POOLED = "tune2, seeds of A and B"


def foretelling(market: Market) -> pd.DataFrame:
    """What is known at 2 000 to 5 000 steps about the depth at 10 000, and about the rise that follows.

    ``depth_at_10k`` is how far P(HOLD) at 10 000 steps lies above its lowest value so far; ``later_rise`` the largest
    rise from the landmark on within the horizon, which P(HOLD) before it has no share in.
    """
    rows = []
    for name, ds in _foretold(market):
        for landmark in LANDMARKS:
            _, features = landmark_features(ds, landmark)
            for outcome, values in _outcomes(ds, landmark, market.horizon).items():
                found = predict(features.values[0], values)
                front = {"arm": name, "outcome": outcome, "known_at_step": landmark}
                rows.append(front | prediction_columns(found, "hold"))
    return pd.DataFrame(rows)


def features(market: Market) -> pd.DataFrame:
    """Each feature alone: its rank correlation over seeds with the depth at 10 000 steps, a column per landmark."""
    rows = []
    for name, ds in _foretold(market):
        depth = _outcomes(ds, LANDMARKS[0], market.horizon)["depth_at_10k"]
        found = [landmark_features(ds, landmark) for landmark in LANDMARKS]
        for index, feature in enumerate(found[0][0]):
            row: dict[str, Any] = {"arm": name, "feature": feature}
            for landmark, (_, values) in zip(LANDMARKS, found, strict=True):
                row |= ends(f"at_{landmark}", rank_correlation(depth, values.values[0, :, index]))
            rows.append(row)
    return pd.DataFrame(rows)


def _foretold(market: Market) -> Iterator[tuple[str, xr.Dataset]]:
    """Datasets of one arm each that reach 10 000 steps: tune2, without the trap, and the pick-freeze pairs' tune2."""
    if market.main is not None:
        for arm in (REFERENCE, TRAP_MENDED):
            if arm in market.main["arm"].values and _TROUGH in market.main["env_steps"].values:
                yield arm, market.main.sel(arm=[arm])
    design = market.parts.get("streams")
    if design is not None and _TROUGH in design["env_steps"].values:
        # A and B are tune2 twice with every stream drawn anew: as many independent seeds again.
        twice = [design.sel(arm=[arm]).assign_coords(arm=[_POOLED]) for arm in ("A", "B")]
        twice[1] = twice[1].assign_coords(seed=twice[1]["seed"] + int(design["seed"].max()) + 1)
        yield _POOLED, xr.concat(twice, dim="seed", data_vars="all")


def _outcomes(ds: xr.Dataset, landmark: int, horizon: float) -> dict[str, Floats]:
    steps = ds["env_steps"].values
    hold = derive_curves(ds)["p_hold"].transpose("arm", "seed", "checkpoint").values[0]
    until = drawdowns(-hold[:, steps <= _TROUGH]).drawdown
    return {"depth_at_10k": until[:, -1], "later_rise": largest_drawdown(steps, hold, -1, horizon, landmark).depth}


def power(market: Market) -> pd.DataFrame:
    """How many seeds a new study needs to show such a dip, or to tell two arms apart, with 80 % power at 5 %.

    ``seeds_of_each_arm`` is for the difference observed, ``seeds_at_most`` for the end of its 95 % interval nearest 0.
    """
    reference = market.outcome(REFERENCE, "reproduction")
    if reference is None:
        return pd.DataFrame()
    known = reference.depth[~np.isnan(reference.depth)]
    share = wilson_interval(int(reaches(known, market.threshold).sum()), len(known))
    estimate, low, high = (100 * (end - _NULL_PREVALENCE) for end in share[:3])
    observed = Interval(estimate, low, high, share.flag)
    question = f"seeds with a dip in tune2 against {100 * _NULL_PREVALENCE:.0f} % of seeds"
    needed = [seeds_needed(dips, _NULL_PREVALENCE) if dips > _NULL_PREVALENCE else None for dips in share[:2]]
    rows = [_row(question, observed, *needed)]
    for arm in ("tune3", TRAP_MENDED, "permuted_rewards"):
        other = market.outcome(arm)
        if other is None:
            continue
        a, b = paired(other, reference)
        found = compare_means(a, b)
        spread = float(np.sqrt((np.nanvar(a, ddof=1) + np.nanvar(b, ddof=1)) / 2))
        for pairing, correlation in (("same seeds", found.correlation), ("other seeds", None)):
            needed = [_seeds_for(difference, spread, correlation) for difference in _from_nearest(found.difference)]
            rows.append(_row(f"mean depth of {arm} against tune2, {pairing}", found.difference, *needed))
    return pd.DataFrame(rows)


def _from_nearest(difference: Interval) -> tuple[float, float]:
    """The estimate, and the end of the interval that lies nearest to 0; 0 itself where the interval holds it."""
    low, high = difference.low, difference.high
    return difference.estimate, 0.0 if low <= 0 <= high else min(low, high, key=abs)


def _seeds_for(difference: float, spread: float, correlation: float | None) -> int | None:
    """Seeds of each arm that find this difference; None where no number does or nothing is known."""
    unknown = correlation is not None and np.isnan(correlation)
    return None if unknown or difference == 0 else seeds_for_mean_difference(difference, spread, correlation)


def _row(question: str, observed: Interval, needed: float | None, at_most: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {"question": question} | ends("observed", observed)
    return row | {"seeds_of_each_arm": _shown(needed), "seeds_at_most": _shown(at_most)}


def _shown(number: float | None) -> str:
    return "more than 4 096" if number is None or np.isnan(number) else f"{number:.0f}"
