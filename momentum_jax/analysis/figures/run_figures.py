"""The figures of a run, drawn from its dataset and its table of dips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.dips.definition import RECOVERY_SHARE
from momentum_jax.analysis.dips.dips import landmark_depth
from momentum_jax.analysis.dips.drawdowns import drawdowns
from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.dips.evidence import Evidence
from momentum_jax.analysis.figures import canvas, validation_profit
from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.depth_predictors import plot_predictors
from momentum_jax.analysis.figures.dose_prevalence import plot_dose
from momentum_jax.analysis.figures.drawdown_heatmap import plot_drawdowns
from momentum_jax.analysis.figures.onset import plot_onset
from momentum_jax.analysis.figures.pairs import plot_pairs
from momentum_jax.analysis.figures.primary_metric import plot_primary, windowed_arm
from momentum_jax.analysis.figures.recovery_curves import plot_recovery
from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.figures.situation_curves import plot_situations
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.recovery import recovery_sensitivity
from momentum_jax.analysis.metrics.alignment import aligned
from momentum_jax.analysis.metrics.derived_curves import derive_curves, healthy_seeds
from momentum_jax.analysis.metrics.metric_curves import Curve, curves_of, dip_curves, primary_curve, secondary_curve
from momentum_jax.analysis.metrics.signal import is_split, sensitivity_curves, split_rate_change
from momentum_jax.analysis.metrics.situations import Measured, situations
from momentum_jax.analysis.report.arm_settings import numeric_dose
from momentum_jax.analysis.report.formatting import format_percent, format_steps, in_unit, short_steps
from momentum_jax.analysis.report.run_tables import depths_of, dip_thresholds
from momentum_jax.analysis.report.summary import horizon_in_words
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.run_directory import diagnostics_of

Floats = npt.NDArray[np.float64]

_OFFSETS = np.linspace(-0.2, 1.2, 36)  # from the onset, shares of the horizon
_SURE = format_percent(CONFIDENCE)
_HEALTH = {
    "entropy": "entropy, nat",
    "approx_kl": "approximate KL, nat",
    "explained_variance": "explained variance",
    "advantage_std": "advantages' standard deviation",
}
_SIGNAL = {"d_prime_exact": "sensitivity d′", "criterion_exact": "criterion c (up: responds less)"}
_SHADES = 5  # the largest drawdown that is drawn in full colour is at least this part of the threshold


class Picture(NamedTuple):
    """One figure of the gallery."""

    name: str  # file name without suffix and, as drawn by its function, without number
    caption: str
    figure: Figure


class _Run(NamedTuple):
    """What every figure starts from; arrays are ``[arm, seed, K]``."""

    ds: xr.Dataset
    curves: xr.Dataset
    dips: pd.DataFrame
    arms: list[str]
    env_steps: npt.NDArray[np.int64]
    diagnostics: Diagnostics
    primary: Curve
    thresholds: dict[str, float]  # by the curves in which dips are looked for

    def by_arm(self, values: xr.DataArray) -> dict[str, Floats]:
        """``[seed, K]`` of each arm."""
        array = values.transpose("arm", "seed", ...).values
        return dict(zip(self.arms, array, strict=True))

    def curve(self, curve: Curve) -> dict[str, Floats]:
        """``[seed, K]`` of each arm."""
        return self.by_arm(self.curves[curve.name])

    def dip(self, arm: str, column: str) -> pd.Series:
        """A column of the dip table for the primary curve from initialisation, one value per seed, failed ones too."""
        table = self.dips
        chosen = (table["arm"] == arm) & (table["metric"] == self.primary.name) & (table["baseline"] == 0)
        return table.loc[chosen, column]

    @property
    def last_step(self) -> int:
        """Where the run ends."""
        return int(self.env_steps[-1])

    @property
    def enough(self) -> bool:
        """Whether its healthy seeds may have intervals."""
        return enough(healthy_seeds(self.ds))

    def healthy(self, arm: str) -> npt.NDArray[np.bool_]:
        """``[seed]``: the seed never failed."""
        return self.dip(arm, "failed_step").to_numpy() < 0


def gallery(ds: xr.Dataset, dips: pd.DataFrame, evidence: Evidence) -> Iterator[Picture]:
    """Draws the figures one after the other; one that the run has no data for is left out.

    All but the first, which has the name of the primary metric, are numbered in the order in which they come.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
        evidence: what the report's tables show of noise and predictions.
    """
    arms = [str(arm) for arm in ds["arm"].values]
    diagnostics, curves = diagnostics_of(ds), derive_curves(ds)
    primary, thresholds = primary_curve(diagnostics), dip_thresholds(ds, curves)
    run = _Run(ds, curves, dips, arms, ds["env_steps"].values, diagnostics, primary, thresholds)
    name = ds.attrs["experiment"]
    published = windowed_arm(ds)
    laid_over = "" if published is None else f", with the published windows of {published.run.name}"
    caption = f"{primary.metric.label} of every seed and the median{laid_over}"
    yield Picture(diagnostics.primary, caption, plot_primary(ds))
    for number, picture in enumerate(_numbered(run, name, evidence), start=1):
        yield picture._replace(name=f"{number}_{picture.name}")


def _numbered(run: _Run, name: str, evidence: Evidence) -> Iterator[Picture]:
    yield _curves(run, name)
    yield _drawdowns(run, name)
    yield _depths(run, name, evidence.noise)
    dose = numeric_dose(json.loads(run.ds.attrs["config"])["arms"])
    if dose is not None:
        yield _dose(run, name, *dose)
    if len(run.arms) > 1:
        yield _pairs(run, name)
    yield _recovery(run, name)
    yield _onset(run, name)
    yield _predictors(run, name, evidence.predictors)
    if run.diagnostics.traded_sessions:
        figure = validation_profit.plot_validation(run.ds, run.curves, f"{name}: profit on validation days")
        yield Picture("validation", validation_profit.CAPTION, figure)
    measured = situations(run.ds)
    if measured:
        yield _situations(run, name, measured)


def _curves(run: _Run, name: str) -> Picture:
    windowed = curves_of(run.primary.metric).get("windowed", run.primary)
    drawn = [curve for curve in (run.primary, secondary_curve(run.diagnostics), windowed) if curve is not None]
    metrics = {curve.label: run.curve(curve) for curve in drawn}
    percentages = {curve.label for curve in drawn if curve.metric.is_percentage}
    band = f", and a band that covers the whole median curve with {_SURE}" if run.enough else ""
    caption = f"Every seed's curve and the median{band}"
    figure = plot_curves(run.env_steps, metrics, f"{name}: every seed and the median", percentages)
    return Picture("curves", caption, figure)


def _drawdowns(run: _Run, name: str) -> Picture:
    primary = run.primary
    drawdown = {arm: drawdowns(primary.sign * curve).drawdown for arm, curve in run.curve(primary).items()}
    onset = {arm: run.dip(arm, "onset_step").to_numpy() for arm in run.arms}
    side = "above its lowest" if primary.sign < 0 else "below its highest"
    caption = (
        f"Drawdown of {primary.full_symbol}, its {primary.worse} {side} value so far: a row per seed, sorted by onset "
        "(orange dots), and a column per checkpoint"
    )
    seeds, title = run.ds["seed"].values.tolist(), f"{name}: drawdown of {primary.full_symbol}"
    scale = in_unit("drawdown", primary.points)
    least = run.thresholds[primary.name] / _SHADES
    return Picture("drawdowns", caption, plot_drawdowns(run.env_steps, drawdown, onset, title, seeds, scale, least))


def _depths(run: _Run, name: str, noise: pd.DataFrame) -> Picture:
    curves = dip_curves(run.diagnostics)
    metrics = {curve.label: {arm: depths_of(run.dips, arm, curve.name) for arm in run.arms} for curve in curves}
    thresholds = {curve.label: run.thresholds[curve.name] for curve in curves}
    limits = {
        str(label): dict(zip(rows["arm"], rows["by_chance"], strict=True))
        for label, rows in noise[noise["baseline"] == 0].groupby("metric")
    }
    where = horizon_in_words(run.ds)
    null = " and what sampling noise makes" if limits else ""
    caption = f"Depth of each seed {where}, against the threshold{null}"
    points = curves[0].points if len({curve.points for curve in curves}) == 1 else "in the metric's unit"
    return Picture("depths", caption, plot_depths(metrics, thresholds, f"{name}: depth {where}", limits, points))


def _dose(run: _Run, name: str, setting: str, doses: list[float]) -> Picture:
    rewards = run.by_arm(run.ds["reward_sum"])
    late = run.env_steps > 0.8 * run.env_steps[-1]
    length = float(run.env_steps[-1] - run.env_steps[~late][-1]) if late.any() else np.nan
    dipped = [
        run.dip(arm, "has_dip").to_numpy(bool)[run.dip(arm, "observed").to_numpy(bool) & run.healthy(arm)]
        for arm in run.arms
    ]
    returns = [1_000 * rewards[arm][run.healthy(arm)][:, late].sum(axis=1) / length for arm in run.arms]
    figure = plot_dose(setting, doses, dipped, returns, f"{name}: dips of {run.primary.symbol} by dose")
    intervals = f", with {_SURE} intervals" if run.enough else ""
    return Picture("dose", f"Prevalence of dips and return against {setting}{intervals}", figure)


def _pairs(run: _Run, name: str) -> Picture:
    """Every pair of the first arms, as many as other figures draw."""
    arms = run.arms[: canvas.MAX_ARMS]
    primary, at_end = run.primary, secondary_curve(run.diagnostics) or run.primary
    curve, last = run.curve(primary), run.curve(at_end)
    landmarks = early_steps(run.ds).landmarks
    first, second = map(short_steps, landmarks)
    labels = (
        in_unit(f"depth of {primary.symbol}", primary.points),
        in_unit(f"{primary.symbol} at {second} minus {first}", primary.points),
        in_unit(f"{at_end.symbol} at the end", at_end.unit),
    )
    values = {}
    for arm in arms:
        change = -primary.sign * landmark_depth(run.env_steps, curve[arm], *landmarks, sign=primary.sign)
        values[arm] = dict(zip(labels, (depths_of(run.dips, arm, primary.name), change, last[arm][:, -1]), strict=True))
    pairs = {
        (first, second): {label: (left, values[second][label]) for label, left in values[first].items()}
        for first, second in combinations(arms, 2)
    }
    interval = f" with its {_SURE} BCa interval" if run.enough else ""
    first_arms = f" (the first {len(arms)} of {len(run.arms)} arms)" if len(arms) < len(run.arms) else ""
    caption = f"The same seeds in every pair of arms{first_arms}; mean change{interval}, r: pairing correlation"
    return Picture("pairs", caption, plot_pairs(pairs, f"{name}: paired seeds"))


def _recovery(run: _Run, name: str) -> Picture:
    recoveries = {}
    for arm in run.arms:
        dipped = run.dip(arm, "has_dip").to_numpy(bool) & run.healthy(arm)
        onset, recovery = (run.dip(arm, name).to_numpy()[dipped] for name in ("onset_step", "recovery_step"))
        recoveries[arm] = recovery_sensitivity(run.env_steps, onset, recovery, run.last_step)
    share, symbol = format_percent(RECOVERY_SHARE), run.primary.full_symbol
    caption = f"Kaplan–Meier curves of recovery by {share} of the depth, {symbol}, with the number at risk"
    return Picture("recovery", caption, plot_recovery(recoveries, f"{name}: recovery of {run.primary.symbol}"))


def _onset(run: _Run, name: str) -> Picture:
    curves = {label: run.by_arm(run.ds[variable]) for variable, label in _HEALTH.items()}
    signal = sensitivity_curves(run.ds)
    curves |= {label: run.by_arm(signal[variable]) for variable, label in _SIGNAL.items() if variable in signal}
    onset = {arm: np.where(run.healthy(arm), run.dip(arm, "onset_step"), np.nan) for arm in run.arms}
    offsets = np.round(_OFFSETS * early_steps(run.ds).horizon)
    metrics = {
        label: {arm: aligned(run.env_steps, values[arm], onset[arm], offsets) for arm in run.arms}
        for label, values in curves.items()
    }
    caption = "Averages over seeds, aligned on the onset of each seed's dip of " + run.primary.full_symbol
    return Picture("onset", caption, plot_onset(offsets, metrics, f"{name}: around the onset"))


def _predictors(run: _Run, name: str, predictors: pd.DataFrame) -> Picture:
    split = {}
    if is_split(run.diagnostics):
        parts = split_rate_change(run.ds)
        split = {
            arm: (_total(policy), _total(visits))
            for arm, policy, visits in zip(run.arms, parts.policy, parts.visits, strict=True)
        }
    known = early_steps(run.ds).prediction
    step, moved = format_steps(known[-1] if known else 0), f"windowed {run.primary.metric.label}"
    title = f"{name}: is the depth after step {step} predicted?"
    figure = plot_predictors(predictors, run.env_steps[1:], split, title, moved)
    then = f", and what moved {moved}" if split else ""
    caption = f"Predictors at step {step} of the depth of {run.primary.symbol} after it ({run.arms[0]}){then}"
    return Picture("predictors", caption, figure)


def _situations(run: _Run, name: str, measured: Measured) -> Picture:
    words = " and ".join(dict.fromkeys(word for by_situation in measured.values() for word in by_situation))
    drawn = {
        label: {situation: run.by_arm(values) for situation, values in by_situation.items()}
        for label, by_situation in measured.items()
    }
    first_arms = f" (the first {canvas.COLUMNS} arms)" if len(run.arms) > canvas.COLUMNS else ""
    caption = f"{words} side by side, on the probe states that stand for them{first_arms}"
    return Picture("situations", caption, plot_situations(run.env_steps, drawn, f"{name}: {words}"))


def _total(part: Floats) -> Floats:
    """Mean over seeds, summed since the first window; NaN where no seed has a value."""
    known = ~np.isnan(part).all(axis=0)
    mean = np.zeros(part.shape[1])
    mean[known] = np.nanmean(part[:, known], axis=0)
    return np.cumsum(mean)
