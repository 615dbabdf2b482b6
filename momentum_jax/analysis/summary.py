"""What a run showed, in three to six sentences whose words stay inside the intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.curves import derive_curves, failed_steps
from momentum_jax.analysis.formatting import format_steps
from momentum_jax.analysis.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.measures import largest_fall
from momentum_jax.analysis.tables import HORIZON, THRESHOLD

PRIMARY = "p_hold"
_MOST_COMPARED = 2


def summarise(ds: xr.Dataset, dips: pd.DataFrame) -> list[str]:
    """The sentences; the first arm is described, up to two others are compared with it on the same seeds.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
    """
    arm = str(ds["arm"].values[0])
    rows = dips[(dips["arm"] == arm) & (dips["metric"] == PRIMARY) & (dips["baseline"] == 0)]
    rows = rows[(rows["failed_step"] < 0) & rows["observed"]]
    if rows.empty:
        return [
            f"No healthy seed of {arm} has two checkpoints within {format_steps(HORIZON)} steps yet, "
            "so nothing can be said."
        ]
    sentences = [_prevalence(arm, rows)]
    if rows["has_dip"].any():
        sentences += [_depth(rows), _recovery(rows)]
    sentences.append(_landmark(arm, rows))
    others = [str(other) for other in ds["arm"].values[1:]]
    sentences += [_comparison(ds, arm, other) for other in others[:_MOST_COMPARED]]
    if len(sentences) < 3:
        sentences.append(_end(ds, arm))
    return sentences


def share_in_words(share: Interval) -> str:
    """A quantifier that both ends of the interval (fractions) allow."""
    bounds = (
        (share.low >= 0.9, "nearly every seed"),
        (share.low > 0.5, "most seeds"),
        (share.high <= 0.1, "hardly any seed"),
        (share.high < 0.5, "fewer than half of the seeds"),
    )
    return next((words for holds, words in bounds if holds), "undecided whether half of the seeds or more")


def direction_in_words(change: Interval, up: str, down: str, unit: str = "points") -> str:
    """The direction where the interval has one sign, else that it is undecided; with the interval."""
    if change.flag == "constant" and change.estimate == 0:
        return f"0 {unit} in every seed: **no difference at all**"
    shown = f"{change.estimate:+.1f} {unit} (95 % interval {change.low:+.1f} to {change.high:+.1f})"
    if change.flag:
        return f"{shown}, **undecided** because the interval is a point ({change.flag})"
    if change.low > 0:
        return f"{shown}: **{up}**"
    return f"{shown}: **{down}**" if change.high < 0 else f"{shown}: **undecided**"


def _prevalence(arm: str, rows: pd.DataFrame) -> str:
    dips, seeds = int(rows["has_dip"].sum()), len(rows)
    share = wilson_interval(dips, seeds)
    return (
        f"In {arm}, exact P(HOLD) rose by {THRESHOLD:g} points or more above its lowest value within "
        f"{format_steps(HORIZON)} steps of the start in {dips} of {seeds} healthy seeds "
        f"(95 % Wilson interval {100 * share.low:.0f} to {100 * share.high:.0f} %): **{share_in_words(share)}**."
    )


def _depth(rows: pd.DataFrame) -> str:
    depth = mean_interval(rows.loc[rows["has_dip"], "depth"])
    interval = f"a point, {depth.flag}" if depth.flag else f"95 % BCa interval {depth.low:.1f} to {depth.high:.1f}"
    return (
        f"The mean depth of these dips was {depth.estimate:.1f} points ({interval}); "
        "a depth is the largest of many checkpoints and so overstates itself."
    )


def _recovery(rows: pd.DataFrame) -> str:
    dipped = rows[rows["has_dip"]]
    back = int((~dipped["censored"]).sum())
    share = wilson_interval(back, len(dipped))
    steps = dipped["recovery_step"].median()
    when = f", in the median of those at step {format_steps(steps)}" if back else ""
    return (
        f"By the end of the run {back} of {len(dipped)} had come back by 90 % of their depth "
        f"({100 * share.low:.0f} to {100 * share.high:.0f} %){when}."
    )


def _landmark(arm: str, rows: pd.DataFrame) -> str:
    change = mean_interval(rows["landmark_depth"])
    if np.isnan(change.estimate):
        return "The run has no checkpoints at 5 000 and 10 000 steps, so the change between them is not known."
    return (
        f"Between steps 5 000 and 10 000, fixed in advance, P(HOLD) of {arm} changed on average by "
        f"{direction_in_words(change, 'it rose', 'it fell')}."
    )


def _comparison(ds: xr.Dataset, first: str, second: str) -> str:
    curves = derive_curves(ds)[PRIMARY].where(failed_steps(ds) < 0).transpose("arm", "seed", "checkpoint")
    falls = [largest_fall(ds["env_steps"].values, curves.sel(arm=arm).values, -1, HORIZON) for arm in (first, second)]
    change = falls[1] - falls[0]
    seeds = int((~np.isnan(change)).sum())
    if not seeds:
        return f"No seed is healthy in both {first} and {second}, so they are not compared."
    words = direction_in_words(mean_interval(change), f"deeper in {second}", f"shallower in {second}")
    return f"On the same {seeds} seeds, the largest rise of P(HOLD) differs from {first} to {second} by {words}."


def _end(ds: xr.Dataset, arm: str) -> str:
    last = mean_interval(derive_curves(ds)[PRIMARY].sel(arm=arm).isel(checkpoint=-1).values)
    return (
        f"At the last checkpoint, step {format_steps(ds['env_steps'].values[-1])}, P(HOLD) of {arm} was on average "
        f"{last.estimate:.1f} % (95 % interval {last.low:.1f} to {last.high:.1f})."
    )
