"""Every arm by itself, and an arm against its controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.dips.noise import judge_against_control
from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.pages.study_market import Market, Outcome


def depths(market: Market) -> pd.DataFrame:
    """Every arm by itself: how deep, how many seeds dip, and the change from 5 000 to 10 000 steps."""
    rows = []
    for outcome in market.outcomes:
        known = outcome.depth[~np.isnan(outcome.depth)]
        share = wilson_interval(int(reaches(known, market.threshold).sum()), len(known))
        row: dict[str, Any] = {"part": outcome.part, "arm": outcome.arm, "seeds": len(known)}
        row |= ends("depth", mean_interval(known))
        row |= ends("temporary_depth", mean_interval(outcome.temporary_depth))
        row |= ends("seeds_that_dip_pct", in_percent(share))
        row |= ends("change_5k_to_10k", mean_interval(outcome.landmark))
        row |= ends("windowed_depth", mean_interval(outcome.windowed_depth))
        peaks = outcome.peak_step[~np.isnan(outcome.peak_step)] / 1_000
        quartiles = np.quantile(peaks, [0.5, 0.25, 0.75]) if len(peaks) else np.full(3, np.nan)
        row |= dict(zip(("peak_ksteps_median", "peak_ksteps_q25", "peak_ksteps_q75"), quartiles, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def against_controls(market: Market, reference: Outcome | None, controls: Sequence[Outcome]) -> pd.DataFrame:
    """The reference arm's seeds against what each control arm reaches without a reason in the rewards.

    Returns:
        One row per control: its ``depth``, its ``deepest`` seed, the ``depth_exceeded_in_5_pct`` of its seeds, and how
        many seeds of the reference lie beyond that (NaN both with fewer than 19 seeds of the control, which do not
        tell); empty without a reference.

    Raises:
        ValueError: a control was made in another environment than the reference: it says nothing of that arm.
    """
    rows: list[dict[str, Any]] = []
    for outcome in controls if reference is not None else ():
        assert reference is not None
        _check_same_environment(market, reference, outcome)
        test = judge_against_control(reference.depth, outcome.depth)
        known = reference.depth[~np.isnan(reference.depth)]
        beyond = np.nan if np.isnan(test.threshold) else int((known > test.threshold).sum())
        rows.append(
            {
                "control": outcome.arm,
                "seeds": test.control_seeds,
                **ends("depth", mean_interval(outcome.depth)),
                "deepest": float(np.nanmax(outcome.depth)),
                "depth_exceeded_in_5_pct": test.threshold,
                f"{reference.arm}_seeds_beyond": beyond,
                "of": len(known),
            }
        )
    return pd.DataFrame(rows)


def _check_same_environment(market: Market, arm: Outcome, control: Outcome) -> None:
    one, other = (_environment(market, outcome) for outcome in (arm, control))
    differing = sorted(name for name in one.keys() & other.keys() if one[name] != other[name])
    if differing:
        raise ValueError(
            f"control {control.arm!r} differs from {arm.arm!r} in {', '.join(differing)}: "
            "compare an arm with a control that was made in its own environment"
        )


def _environment(market: Market, outcome: Outcome) -> dict[str, Any]:
    """The environment's options of an arm; empty where it has none."""
    return next(arm for arm in market.arms(outcome.part) if arm["name"] == outcome.arm).get("env") or {}


def in_percent(interval: Interval) -> Interval:
    """A share as a percentage."""
    return Interval(100 * interval.estimate, 100 * interval.low, 100 * interval.high, interval.flag)


def ends(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
