"""What a run showed, in three to six sentences whose words stay inside the intervals.

The sentences and the report's built-in claims share the level of 5 % (Bonferroni), as declared claims do. Below
`few_seeds.MIN_SEEDS` seeds they give numbers and no verdict.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_intervals import depth_interval, level_interval, room_to_fall
from momentum_jax.analysis.dips.definition import HORIZON, LANDMARKS, RECOVERY_SHARE, THRESHOLD
from momentum_jax.analysis.dips.drawdowns import largest_drawdown
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.metrics.curves import derive_curves, failed_steps
from momentum_jax.analysis.report.document import literal
from momentum_jax.analysis.report.formatting import format_percent, format_steps
from momentum_jax.analysis.report.verdict_words import direction_in_words, interval_in_words, share_in_words

PRIMARY = "p_hold"
LANDMARK_METRICS = ("hold_pct", PRIMARY)
_MOST_COMPARED = 2


def built_in_claims(num_arms: int) -> int:
    """How many statements a report of so many arms makes by itself.

    The prevalence in the first arm, the change between the landmarks of each arm and metric, and up to two arms
    against the first.
    """
    return 1 + len(LANDMARK_METRICS) * num_arms + min(num_arms - 1, _MOST_COMPARED)


def summarise(ds: xr.Dataset, dips: pd.DataFrame) -> list[str]:
    """The sentences; the first arm is described, up to two others are compared with it on the same seeds.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
    """
    arm, last_step = str(ds["arm"].values[0]), int(ds["env_steps"].values[-1])
    rows = dips[(dips["arm"] == arm) & (dips["metric"] == PRIMARY) & (dips["baseline"] == 0)]
    if (rows["failed_step"] >= 0).all():
        return [f"Every seed of {literal(arm)} failed: the warnings below say when and why."]
    rows = rows[(rows["failed_step"] < 0) & rows["observed"]]
    if rows.empty:
        return [
            f"No healthy seed of {literal(arm)} has two checkpoints {horizon_in_words(last_step)} yet, "
            "so nothing can be said."
        ]
    confidence = shared_confidence(built_in_claims(ds.sizes["arm"]))
    sentences = [_prevalence(arm, rows, last_step, confidence)]
    if rows["has_dip"].any():
        sentences += [_depth(rows), _recovery(rows)]
    sentences.append(_landmark(arm, rows, confidence))
    others = [str(other) for other in ds["arm"].values[1:]]
    sentences += [_comparison(ds, arm, other, confidence) for other in others[:_MOST_COMPARED]]
    if len(sentences) < 3:
        sentences.append(_end(ds, arm))
    return sentences


def horizon_in_words(last_step: int) -> str:
    """How far dips were looked for: the horizon, or the end of a run that is shorter."""
    if last_step >= HORIZON:
        return f"within {format_steps(HORIZON)} steps"
    return f"within the {format_steps(last_step)} steps of this run"


def _prevalence(arm: str, rows: pd.DataFrame, last_step: int, confidence: float) -> str:
    dips, seeds = int(rows["has_dip"].sum()), len(rows)
    found = (
        f"In {literal(arm)}, exact P(HOLD) rose by {THRESHOLD:g} points or more above its lowest value so far "
        f"{horizon_in_words(last_step)} in {dips} of {seeds} healthy seeds"
    )
    if not enough(seeds):
        return f"{found}: {NO_VERDICT}."
    share = wilson_interval(dips, seeds, confidence)
    percent = Interval(100 * share.estimate, 100 * share.low, 100 * share.high)
    return f"{found} (Wilson {interval_in_words(percent, confidence, '.0f')} %): **{share_in_words(share, seeds)}**."


def _depth(rows: pd.DataFrame) -> str:
    depth = mean_interval(rows["depth"])
    interval = f" ({interval_in_words(depth)})" if enough(len(rows)) and not depth.flag else ""
    return (
        f"The mean depth over these {len(rows)} seeds, with a dip or without, was {depth.estimate:.1f} points"
        f"{interval}; a depth is the largest of many checkpoints and so overstates itself."
    )


def _recovery(rows: pd.DataFrame) -> str:
    dipped = rows[rows["has_dip"]]
    back = int((~dipped["censored"]).sum())
    share = wilson_interval(back, len(dipped))
    interval = f" ({100 * share.low:.0f} to {100 * share.high:.0f} %)" if enough(len(dipped)) else ""
    steps = dipped["recovery_step"].median()
    when = f", in the median of those at step {format_steps(steps)}" if back else ""
    enough_of_it = f"{format_percent(RECOVERY_SHARE)} of their depth"
    return f"By the end of the run {back} of {len(dipped)} had come back by {enough_of_it}{interval}{when}."


def _landmark(arm: str, rows: pd.DataFrame, confidence: float) -> str:
    first, second = map(format_steps, LANDMARKS)
    change, seeds = level_interval(rows["landmark_depth"], confidence=confidence)
    if np.isnan(change.estimate):
        return f"The run has no checkpoints at {first} and {second} steps, so the change between them is not known."
    words = direction_in_words(change, seeds, "it rose", "it fell", confidence)
    between = f"Between steps {first} and {second}, fixed in advance"
    return f"{between}, P(HOLD) of {literal(arm)} changed on average by {words}."


def _comparison(ds: xr.Dataset, first: str, second: str, confidence: float) -> str:
    curves = derive_curves(ds)[PRIMARY].where(failed_steps(ds) < 0).transpose("arm", "seed", "checkpoint")
    pair = curves.sel(arm=[first, second]).values
    depths = largest_drawdown(ds["env_steps"].values, pair, -1, HORIZON).depth
    change = depths[1] - depths[0]
    seeds, names = int((~np.isnan(change)).sum()), (literal(first), literal(second))
    if not seeds:
        return f"No seed is healthy in both {names[0]} and {names[1]}, so they are not compared."
    found = f"On the same {seeds} seeds, the depth of the dip of P(HOLD) differs from {names[0]} to {names[1]} by "
    if not enough(seeds):
        return f"{found}{np.nanmean(change):+.1f} points: {NO_VERDICT}."
    rooms = [room_to_fall(ds["env_steps"].values, curve, -1, HORIZON) for curve in pair]
    interval, _ = depth_interval(depths[1], rooms[1], depths[0], rooms[0], confidence)
    words = (f"deeper in {names[1]}", f"shallower in {names[1]}")
    return f"{found}{direction_in_words(interval, seeds, *words, confidence)}."


def _end(ds: xr.Dataset, arm: str) -> str:
    values = derive_curves(ds)[PRIMARY].sel(arm=arm).isel(checkpoint=-1).values
    last = mean_interval(values)
    known = enough((~np.isnan(values)).sum()) and not last.flag
    interval = f" ({interval_in_words(last)})" if known else ""
    return (
        f"At the last checkpoint, step {format_steps(ds['env_steps'].values[-1])}, P(HOLD) of {literal(arm)} was on "
        f"average {last.estimate:.1f} %{interval}."
    )
