"""The tables of training: how P(HOLD) moves, what validation days say at checkpoints, what was claimed of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.pages.blocks import designed_claims
from momentum_jax.analysis.pages.blocks.depth_tables import ends, in_percent
from momentum_jax.analysis.pages.study_market import Market, Outcome
from momentum_jax.env.rules import INITIAL_CAPITAL, RISKED_FRACTION
from momentum_jax.run_directory.backtest_names import WAYS

from . import arms
from .claims import END, FIXED_STEPS, PLACE, THRESHOLD

Floats = npt.NDArray[np.float64]

RISKED = RISKED_FRACTION * INITIAL_CAPITAL  # dollars: what a reward of 1 is
STEPS = (0, *FIXED_STEPS, 12_000, 20_000, END)
ON_VALIDATION = (arms.REALISTIC.name, arms.WITHOUT_COSTS.name, arms.PERMUTED.name)
"""Arms that are rewarded by profit, so that the evaluated return is one; `without_costs` by profit without costs."""


def p_hold(market: Market) -> pd.DataFrame:
    """Every arm by itself: exact P(HOLD | flat) in percent at its start, at the place of the dip and at the end.

    ``rise`` is the largest one by 10 000 steps in points, ``seeds_that_rise_pct`` the seeds in which it is 5 or more;
    ``given_back`` is the fall from the place of the dip to the end.
    """
    return pd.DataFrame([_p_hold_row(outcome, curves) for outcome, curves in _with_curves(market)])


def _with_curves(market: Market) -> Iterator[tuple[Outcome, xr.Dataset]]:
    for part, ds in market.parts.items():
        derived = derive_curves(ds)
        for outcome in (one for one in market.outcomes if one.part == part):
            yield outcome, derived.sel(arm=outcome.arm)


def _p_hold_row(outcome: Outcome, curves: xr.Dataset) -> dict[str, Any]:
    start, place, end = (at_step(curves["p_hold"], step) for step in (0, PLACE, END))
    known = outcome.depth[~np.isnan(outcome.depth)]
    row: dict[str, Any] = {"arm": outcome.arm, "seeds": len(known)}
    row |= (
        ends("start", mean_interval(start)) | ends("at_8k", mean_interval(place)) | ends("at_40k", mean_interval(end))
    )
    row |= ends("rise", mean_interval(known))
    share = wilson_interval(int(reaches(known, THRESHOLD).sum()), len(known))
    row |= ends("seeds_that_rise_pct", in_percent(share))
    return row | ends("given_back", mean_interval(place - end))


def at_step(curve: xr.DataArray, step: int) -> Floats:
    """[seed] values of a curve [seed, checkpoint] at a step; NaN where it was not measured."""
    found = np.flatnonzero(curve["env_steps"].values == step)
    if not len(found):
        return np.full(curve.sizes["seed"], np.nan)
    return curve.isel(checkpoint=found[0]).values.astype(np.float64)


def validation(market: Market) -> pd.DataFrame:
    """Profit a session on validation days at checkpoints, dollars on 100 000, by arm and way of acting."""
    rows = []
    for arm, way, curve in profits(market):
        row: dict[str, Any] = {"arm": arm, "policy": way}
        for step in STEPS:
            row |= ends(f"at_{step // 1_000}k", mean_interval(at_step(curve, step)))
        rows.append(row | ends("change_0_to_8k", mean_interval(at_step(curve, PLACE) - at_step(curve, 0))))
    return pd.DataFrame(rows)


def profits(market: Market) -> Iterator[tuple[str, str, xr.DataArray]]:
    """Arm, way of acting, and dollars a session [seed, checkpoint] on validation days."""
    for ds in market.parts.values():
        if "eval_return" not in ds or bool(ds["eval_return"].isnull().all()):
            continue
        for arm in (name for name in ON_VALIDATION if name in ds["arm"].values):
            for way in WAYS:
                yield arm, way, RISKED * ds["eval_return"].sel(arm=arm, evaluated=way).transpose("seed", "checkpoint")


def declared(market: Market) -> pd.DataFrame:
    """What was claimed of training before the first run, judged; the claims of a part share 5 % by Holm's method."""
    verdicts = [designed_claims.step_down_verdicts(market, (part,)).assign(part=part) for part in market.parts]
    found = [table for table in verdicts if not table.empty]
    return pd.concat(found, ignore_index=True).drop(columns="part") if found else pd.DataFrame()
