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

from momentum_jax.analysis.dips.definition import HORIZON, LANDMARKS, PREDICTION_STEPS, RECOVERY_SHARE, THRESHOLD
from momentum_jax.analysis.dips.dips import landmark_depth
from momentum_jax.analysis.dips.drawdowns import drawdowns, largest_drawdown
from momentum_jax.analysis.dips.evidence import Evidence
from momentum_jax.analysis.figures import canvas
from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.depth_predictors import plot_predictors
from momentum_jax.analysis.figures.dose_prevalence import plot_dose
from momentum_jax.analysis.figures.drawdown_heatmap import plot_drawdowns
from momentum_jax.analysis.figures.hold import plot_hold, windowed_arm
from momentum_jax.analysis.figures.onset import plot_onset
from momentum_jax.analysis.figures.pairs import plot_all_pairs
from momentum_jax.analysis.figures.recovery_curves import plot_recovery
from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.metrics.curves import derive_curves, healthy_seeds
from momentum_jax.analysis.metrics.measures import aligned, policy_visit_split
from momentum_jax.analysis.metrics.signal import from_rates
from momentum_jax.analysis.report.arm_settings import numeric_dose
from momentum_jax.analysis.report.formatting import format_percent, format_steps, short_steps
from momentum_jax.analysis.report.run_tables import DIP_METRICS
from momentum_jax.analysis.report.summary import horizon_in_words

Floats = npt.NDArray[np.float64]

PRIMARY = "p_hold"
_OFFSETS = np.arange(-5_000.0, 30_001.0, 1_000.0)
_SURE = format_percent(CONFIDENCE)
_HEALTH = {
    "entropy": "entropy, nat",
    "approx_kl": "approximate KL, nat",
    "explained_variance": "explained variance",
    "advantage_std": "advantages' standard deviation",
}


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

    def by_arm(self, values: xr.DataArray) -> dict[str, Floats]:
        """``[seed, K]`` of each arm."""
        array = values.transpose("arm", "seed", ...).values
        return dict(zip(self.arms, array, strict=True))

    def dip(self, arm: str, column: str, metric: str = PRIMARY, baseline: int = 0) -> pd.Series:
        """A column of the dip table, one value per seed; seeds that failed are left in."""
        table = self.dips
        chosen = (table["arm"] == arm) & (table["metric"] == metric) & (table["baseline"] == baseline)
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

    All but the first, ``hold_pct``, are numbered in the order in which they come.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
        evidence: what the report's tables show of noise and predictions.
    """
    arms = [str(arm) for arm in ds["arm"].values]
    run = _Run(ds, derive_curves(ds), dips, arms, ds["env_steps"].values)
    name = ds.attrs["experiment"]
    published = windowed_arm(ds)
    laid_over = "" if published is None else f", with the published windows of {published.run.name}"
    yield Picture("hold_pct", f"HOLD of every seed and the median{laid_over}", plot_hold(ds))
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


def _curves(run: _Run, name: str) -> Picture:
    metrics = {
        "exact P(HOLD) %": run.by_arm(run.curves["p_hold"]),
        "exact P(BUY), strong, %": run.by_arm(run.curves["p_buy_strong"]),
        "windowed HOLD %": run.by_arm(run.curves["hold_pct"]),
    }
    band = f", and a band that covers the whole median curve with {_SURE}" if run.enough else ""
    caption = f"Every seed's curve and the median{band}"
    return Picture("curves", caption, plot_curves(run.env_steps, metrics, f"{name}: every seed and the median"))


def _drawdowns(run: _Run, name: str) -> Picture:
    drawdown = {arm: drawdowns(-curve).drawdown for arm, curve in run.by_arm(run.curves[PRIMARY]).items()}
    onset = {arm: run.dip(arm, "onset_step").to_numpy() for arm in run.arms}
    caption = (
        "Drawdown of exact P(HOLD), its rise above its lowest value so far: a row per seed, sorted by onset (orange "
        "dots), and a column per checkpoint"
    )
    seeds = run.ds["seed"].values.tolist()
    figure = plot_drawdowns(run.env_steps, drawdown, onset, f"{name}: drawdown of exact P(HOLD)", seeds)
    return Picture("drawdowns", caption, figure)


def _depths(run: _Run, name: str, noise: pd.DataFrame) -> Picture:
    metrics = {
        metric.label: {arm: _depth(run, arm, metric.curve, metric.sign) for arm in run.arms} for metric in DIP_METRICS
    }
    limits = {
        str(label): dict(zip(rows["arm"], rows["by_chance"], strict=True))
        for label, rows in noise[noise["baseline"] == 0].groupby("metric")
    }
    where = horizon_in_words(run.last_step)
    caption = f"Depth of each seed {where}, against the threshold and what sampling noise makes"
    return Picture("depths", caption, plot_depths(metrics, THRESHOLD, f"{name}: depth {where}", limits))


def _depth(run: _Run, arm: str, curve: str, sign: int) -> Floats:
    """The largest drawdown of each seed that did not fail; NaN for the others."""
    depth = largest_drawdown(run.env_steps, run.by_arm(run.curves[curve])[arm], sign, HORIZON).depth
    return np.where(run.healthy(arm), depth, np.nan)


def _dose(run: _Run, name: str, setting: str, doses: list[float]) -> Picture:
    rewards = run.by_arm(run.ds["reward_sum"])
    late = run.env_steps > 0.8 * run.env_steps[-1]
    length = float(run.env_steps[-1] - run.env_steps[~late][-1]) if late.any() else np.nan
    dipped = [
        run.dip(arm, "has_dip").to_numpy(bool)[run.dip(arm, "observed").to_numpy(bool) & run.healthy(arm)]
        for arm in run.arms
    ]
    returns = [1_000 * rewards[arm][run.healthy(arm)][:, late].sum(axis=1) / length for arm in run.arms]
    figure = plot_dose(setting, doses, dipped, returns, f"{name}: dips of P(HOLD) by dose")
    intervals = f", with {_SURE} intervals" if run.enough else ""
    return Picture("dose", f"Prevalence of dips and return against {setting}{intervals}", figure)


def _pairs(run: _Run, name: str) -> Picture:
    """Every pair of the first arms, as many as other figures draw."""
    arms = run.arms[: canvas.MAX_ARMS]
    earlier, later = map(short_steps, LANDMARKS)
    hold, strong = run.by_arm(run.curves[PRIMARY]), run.by_arm(run.curves["p_buy_strong"])
    values = {
        arm: {
            "depth of P(HOLD), points": _depth(run, arm, PRIMARY, -1),
            f"P(HOLD) at {later} minus {earlier}, points": landmark_depth(run.env_steps, hold[arm]),
            "P(BUY), strong, at the end, %": strong[arm][:, -1],
        }
        for arm in arms
    }
    pairs = {
        (first, second): {label: (left, values[second][label]) for label, left in values[first].items()}
        for first, second in combinations(arms, 2)
    }
    interval = f" with its {_SURE} BCa interval" if run.enough else ""
    shown = f" (the first {len(arms)} of {len(run.arms)} arms)" if len(arms) < len(run.arms) else ""
    caption = f"The same seeds in every pair of arms{shown}; mean change{interval}, r: pairing correlation"
    return Picture("pairs", caption, plot_all_pairs(pairs, f"{name}: paired seeds"))


def _recovery(run: _Run, name: str) -> Picture:
    durations = {}
    for arm in run.arms:
        dipped = run.dip(arm, "has_dip").to_numpy(bool) & run.healthy(arm)
        censored = run.dip(arm, "censored").to_numpy(bool)[dipped]
        waited = run.env_steps[-1] - run.dip(arm, "onset_step").to_numpy()[dipped]
        durations[arm] = (np.where(censored, waited, run.dip(arm, "duration").to_numpy()[dipped]), censored)
    enough_of_it = f"{format_percent(RECOVERY_SHARE)} of the depth"
    caption = f"Kaplan–Meier curves of recovery by {enough_of_it}, exact P(HOLD), with the number at risk"
    return Picture("recovery", caption, plot_recovery(durations, f"{name}: recovery of P(HOLD)"))


def _onset(run: _Run, name: str) -> Picture:
    curves = {label: run.by_arm(run.ds[variable]) for variable, label in _HEALTH.items()}
    strong, weak = run.by_arm(run.curves["p_buy_strong"]), run.by_arm(run.curves["p_buy_weak"])
    both = {arm: from_rates(strong[arm] / 100, weak[arm] / 100) for arm in run.arms}
    curves["sensitivity d′"] = {arm: pair[0] for arm, pair in both.items()}
    curves["criterion c (up: buys less)"] = {arm: pair[1] for arm, pair in both.items()}
    onset = {arm: np.where(run.healthy(arm), run.dip(arm, "onset_step"), np.nan) for arm in run.arms}
    metrics = {
        label: {arm: aligned(run.env_steps, values[arm], onset[arm], _OFFSETS) for arm in run.arms}
        for label, values in curves.items()
    }
    caption = "Averages over seeds, aligned on the onset of each seed's dip of exact P(HOLD)"
    return Picture("onset", caption, plot_onset(_OFFSETS, metrics, f"{name}: around the onset"))


def _predictors(run: _Run, name: str, predictors: pd.DataFrame) -> Picture:
    split = {
        arm: (_total(policy), _total(visit))
        for arm, policy, visit in zip(run.arms, *policy_visit_split(run.ds), strict=True)
    }
    step = format_steps(PREDICTION_STEPS[-1])
    title = f"{name}: what predicts the depth after step {step}"
    figure = plot_predictors(predictors, run.env_steps[1:], split, title)
    caption = (
        f"Predictors at step {step} of the depth of P(HOLD) after it ({run.arms[0]}), and what moved windowed HOLD"
    )
    return Picture("predictors", caption, figure)


def _total(part: Floats) -> Floats:
    """Mean over seeds, summed since the first window; NaN where no seed has a value."""
    known = ~np.isnan(part).all(axis=0)
    mean = np.zeros(part.shape[1])
    mean[known] = np.nanmean(part[:, known], axis=0)
    return np.cumsum(mean)
