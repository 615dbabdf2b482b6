"""What the seeds of each arm show together: how many dip, how deep, how long, and how bad the worst are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet, Floats
from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.dips.noise import chance_of_so_many
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.inference.order_statistics import median_interval
from momentum_jax.analysis.inference.recovery import RecoveryCurve, RecoverySensitivity, recovery_sensitivity
from momentum_jax.analysis.inference.tail_mean import tail_mean_interval

TAILS = (0.1, 0.05)  # worst shares of the seeds whose mean depth is given


def population_table(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> pd.DataFrame:
    """One row for each arm.

    Args:
        curves: of all arms.
        choices: level, noise.
        seeds: as `seed_table` returns it.

    Returns:
        Columns ``arm``; ``seeds`` (two values or more by the horizon); ``judged``, those of them whose noise is known;
        of these ``dips`` and their share ``prevalence_pct`` with Wilson's interval; over all seeds ``depth_mean`` with
        its BCa interval, ``depth_median`` with that of order statistics, quartiles, largest; ``depth_worst_10_pct`` and
        ``depth_worst_5_pct``, mean depth of the worst seeds (CVaR), with BCa intervals; ``forgetting_mean`` with its
        BCa interval; of the dips ``trough_step_median``, ``area_median``, ``recovered_pct`` by the end (Kaplan–Meier,
        with limits) and ``recovery_steps_median`` (steps from onset to recovery, with limits; NaN where it was not
        reached); ``exceed_noise``, the judged seeds whose fall is more than noise, and ``p_chance``, the chance of so
        many where no seed falls (both NaN of exact values). Below six seeds there are no intervals: their ends are NaN.
    """
    rows = [_row(arm, curves, choices, seeds) for arm in curves.arms]
    return pd.DataFrame(rows)


def rows_of(seeds: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The rows of an arm's seeds in which a dip could be seen."""
    return seeds[(seeds["arm"] == arm) & seeds["observed"]]


def judged_of(seeds: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Of these the rows of the seeds that a share of seeds counts: those whose noise is known."""
    rows = rows_of(seeds, arm)
    return rows[rows["judged"]]


def dips_beyond(judged: pd.DataFrame, threshold: float) -> int:
    """How many of the judged seeds dip at another threshold."""
    return int((judged["exceeds_noise"] & reaches(judged["depth"], threshold)).sum())


def recoveries(curves: CurveSet, seeds: pd.DataFrame, arm: str, confidence: float) -> RecoverySensitivity:
    """How long the dips of an arm last, with both ends of the interval in which each recovery lies."""
    rows = judged_of(seeds, arm)
    dips = rows[rows["is_dip"]]
    last = _last_steps(curves, arm, dips["seed"])
    return recovery_sensitivity(curves.steps, dips["onset_step"], dips["recovery_step"], last, confidence)


def _last_steps(curves: CurveSet, arm: str, labels: pd.Series) -> Floats:
    """Step of the last value of each seed."""
    known = curves.known[curves.arms.index(arm)]
    last = curves.steps[known.shape[-1] - 1 - known[:, ::-1].argmax(axis=-1)]
    return last[[curves.seeds.index(label) for label in labels]]


def _row(arm: str, curves: CurveSet, choices: Choices, table: pd.DataFrame) -> dict[str, Any]:
    seeds, judged = rows_of(table, arm), judged_of(table, arm)
    level, depth = choices.level, seeds["depth"].to_numpy()
    dips = judged[judged["is_dip"]]
    share = wilson_interval(len(dips), len(judged), level)
    row: dict[str, Any] = {"arm": arm, "seeds": len(seeds), "judged": len(judged), "dips": len(dips)}
    row |= _ends("prevalence_pct", _percent(share), len(judged))
    row |= _ends("depth_mean", mean_interval(depth, level), len(seeds))
    low, high = median_interval(depth, level)
    row |= _ends("depth_median", Interval(_quantile(depth, 0.5), float(low), float(high)), len(seeds))
    row |= {"depth_q25": _quantile(depth, 0.25), "depth_q75": _quantile(depth, 0.75), "depth_max": _quantile(depth, 1)}
    for tail in TAILS:
        row |= _ends(f"depth_worst_{100 * tail:g}_pct", tail_mean_interval(depth, tail, level), len(seeds))
    row |= _ends("forgetting_mean", mean_interval(seeds["forgetting"], level), len(seeds))
    row |= {"trough_step_median": dips["trough_step"].median(), "area_median": dips["area"].median()}
    row |= _recovery(recoveries(curves, table, arm, level).interpolated, len(dips))
    exact = choices.noise == "exact"
    exceed = int(judged["exceeds_noise"].sum())
    row["exceed_noise"] = np.nan if exact else exceed
    row["p_chance"] = np.nan if exact else chance_of_so_many(exceed, len(judged), choices.alpha)
    return row


def _recovery(curve: RecoveryCurve, dips: int) -> dict[str, Any]:
    by_end = Interval(np.nan, np.nan, np.nan)
    if len(curve.steps):
        by_end = Interval(float(curve.recovered[-1]), float(curve.low[-1]), float(curve.high[-1]))
    reached = [step if np.isfinite(step) else np.nan for step in (curve.median, curve.median_low, curve.median_high)]
    row = _ends("recovered_pct", _percent(by_end), dips)
    row |= _ends("recovery_steps_median", Interval(reached[0], reached[1], reached[2]), dips)
    return {name: number for name, number in row.items() if not name.endswith("_flag")}


def _ends(name: str, interval: Interval, seeds: int) -> dict[str, Any]:
    """A number with its interval as columns; of too few seeds without."""
    low, high = (interval.low, interval.high) if enough(seeds) else (np.nan, np.nan)
    return {name: interval.estimate, f"{name}_low": low, f"{name}_high": high, f"{name}_flag": interval.flag}


def _percent(share: Interval) -> Interval:
    return Interval(100 * share.estimate, 100 * share.low, 100 * share.high, share.flag)


def _quantile(values: npt.NDArray[np.float64], level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else np.nan
