"""What a run showed, in three to six sentences whose words stay inside the intervals.

The sentences and the report's built-in claims share the level of 5 % (Bonferroni), as declared claims do. Below
`few_seeds.MIN_SEEDS` seeds they give numbers and no verdict.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_intervals import bounds_of, depth_interval, level_interval, room_to_fall
from momentum_jax.analysis.dips.definition import RECOVERY_SHARE
from momentum_jax.analysis.dips.early_part import HORIZON_SHARE, early_steps, is_derived
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import mean_test
from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps
from momentum_jax.analysis.metrics.metric_curves import Curve, dip_curves, primary_curve
from momentum_jax.analysis.report.document import literal
from momentum_jax.analysis.report.formatting import format_percent, format_steps, in_sentence, with_unit
from momentum_jax.analysis.report.run_tables import depths_of, dip_thresholds
from momentum_jax.analysis.report.verdict_words import (
    direction_in_words,
    interval_in_words,
    share_in_words,
    share_interval_in_words,
)
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.run_directory import diagnostics_of

_MOST_COMPARED = 2


def landmark_curves(diagnostics: Diagnostics) -> list[Curve]:
    """The curves of the primary metric in which dips are looked for: a report judges their change between landmarks."""
    return [curve for curve in dip_curves(diagnostics) if curve.metric.name == diagnostics.primary]


def built_in_claims(diagnostics: Diagnostics, num_arms: int) -> int:
    """How many statements a report of so many arms makes by itself.

    The prevalence in the first arm, the change between the landmarks of each arm and curve, and up to two arms
    against the first.
    """
    return 1 + len(landmark_curves(diagnostics)) * num_arms + min(num_arms - 1, _MOST_COMPARED)


def summarise(ds: xr.Dataset, dips: pd.DataFrame) -> list[str]:
    """The sentences; the first arm is described, up to two others are compared with it on the same seeds.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
    """
    diagnostics, curves = diagnostics_of(ds), derive_curves(ds)
    primary = primary_curve(diagnostics)
    arm, early = str(ds["arm"].values[0]), early_steps(ds)
    rows = dips[(dips["arm"] == arm) & (dips["metric"] == primary.name) & (dips["baseline"] == 0)]
    if (rows["failed_step"] >= 0).all():
        return [f"Every seed of {literal(arm)} failed: the warnings below say when and why."]
    rows = rows[(rows["failed_step"] < 0) & rows["observed"]]
    if rows.empty:
        return [
            f"No healthy seed of {literal(arm)} has two checkpoints {horizon_in_words(ds)} yet, so nothing can be said."
        ]
    confidence = shared_confidence(built_in_claims(diagnostics, ds.sizes["arm"]))
    threshold = dip_thresholds(ds, curves)[primary.name]
    sentences = [_prevalence(primary, threshold, arm, rows, horizon_in_words(ds), confidence)]
    if rows["has_dip"].any():
        sentences += [_depth(primary, rows), _recovery(rows)]
    sentences.append(_landmark(primary, arm, rows, early.landmarks, confidence))
    values = curves[primary.name].transpose("arm", "seed", "checkpoint")
    unfailed = values.where(failed_steps(ds) < 0)
    others = [str(other) for other in ds["arm"].values[1:]]
    for other in others[:_MOST_COMPARED]:
        sentences.append(_comparison(primary, dips, unfailed, (arm, other), early.horizon, confidence))
    if len(sentences) < 3:
        sentences.append(_end(primary, values, arm))
    return sentences


def horizon_in_words(ds: xr.Dataset) -> str:
    """How far dips were looked for: the horizon, or the end of a run that is shorter."""
    horizon, last_step = early_steps(ds).horizon, int(ds["env_steps"].values[-1])
    if last_step >= horizon and is_derived(ds):
        return f"within the first {format_percent(HORIZON_SHARE)} of the run ({format_steps(horizon)} steps)"
    if last_step >= horizon:
        return f"within {format_steps(horizon)} steps"
    return f"within the {format_steps(last_step)} steps of this run"


def _prevalence(primary: Curve, threshold: float, arm: str, rows: pd.DataFrame, within: str, confidence: float) -> str:
    dips, seeds = int(rows["has_dip"].sum()), len(rows)
    least = with_unit(f"{threshold:.4g}", primary.points)
    moved, best = ("rose", "above its lowest") if primary.sign < 0 else ("fell", "below its highest")
    found = (
        f"In {literal(arm)}, {literal(primary.full_symbol)} {moved} by {least} or more {best} value "
        f"so far {within} in {dips} of {seeds} healthy seeds"
    )
    if not enough(seeds):
        return f"{found}: {NO_VERDICT}."
    share = wilson_interval(dips, seeds, confidence)
    return f"{found} (Wilson {share_interval_in_words(share, confidence)}): **{share_in_words(share, seeds)}**."


def _depth(primary: Curve, rows: pd.DataFrame) -> str:
    depth = mean_interval(rows["depth"])
    interval = f" ({interval_in_words(depth, unit=primary.points)})" if enough(len(rows)) and not depth.flag else ""
    mean = with_unit(in_sentence(depth.estimate, primary.points), primary.points)
    return (
        f"The mean depth over these {len(rows)} seeds, with a dip or without, was {mean}"
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


def _landmark(primary: Curve, arm: str, rows: pd.DataFrame, landmarks: tuple[int, int], confidence: float) -> str:
    first, second = map(format_steps, landmarks)
    # A landmark's depth is positive where the curve got worse; the sentence speaks of the value itself.
    changes = -primary.sign * rows["landmark_depth"]
    change, seeds = level_interval(changes, confidence=confidence)
    if np.isnan(change.estimate):
        return f"The run has no checkpoints at {first} and {second} steps, so the change between them is not known."
    tested = mean_test(changes, confidence)
    words = direction_in_words(change, seeds, "it rose", "it fell", confidence, primary.points, tested)
    return (
        f"Between steps {first} and {second}, fixed in advance, {literal(primary.symbol)} of {literal(arm)} "
        f"changed on average by {words}."
    )


def _comparison(
    primary: Curve, dips: pd.DataFrame, curves: xr.DataArray, arms: tuple[str, str], horizon: float, confidence: float
) -> str:
    """`curves` are those of the primary metric, ``[arm, seed, checkpoint]``, NaN throughout of failed seeds."""
    steps, pair = curves["env_steps"].values, curves.sel(arm=list(arms)).values
    depths = [depths_of(dips, arm, primary.name) for arm in arms]
    change = depths[1] - depths[0]
    seeds, names = int((~np.isnan(change)).sum()), (literal(arms[0]), literal(arms[1]))
    if not seeds:
        return f"No seed is healthy in both {names[0]} and {names[1]}, so they are not compared."
    found = (
        f"On the same {seeds} seeds, the depth of the dip of {literal(primary.symbol)} differs from {names[0]} to "
        f"{names[1]} by "
    )
    if not enough(seeds):
        mean = in_sentence(float(np.nanmean(change)), primary.points, "+")
        return f"{found}{with_unit(mean, primary.points)}: {NO_VERDICT}."
    bounds = bounds_of(primary.metric, curves)
    rooms = [room_to_fall(steps, curve, primary.sign, horizon, bounds=bounds) for curve in pair]
    interval, _ = depth_interval(depths[1], rooms[1], depths[0], rooms[0], confidence)
    words = (f"deeper in {names[1]}", f"shallower in {names[1]}")
    return f"{found}{direction_in_words(interval, seeds, *words, confidence, primary.points)}."


def _end(primary: Curve, curves: xr.DataArray, arm: str) -> str:
    values = curves.sel(arm=arm).isel(checkpoint=-1).values
    last = mean_interval(values)
    known = enough((~np.isnan(values)).sum()) and not last.flag
    interval = f" ({interval_in_words(last, unit=primary.unit)})" if known else ""
    return (
        f"At the last checkpoint, step {format_steps(curves['env_steps'].values[-1])}, {literal(primary.symbol)} of "
        f"{literal(arm)} was on average {with_unit(in_sentence(last.estimate, primary.unit), primary.unit)}{interval}."
    )
