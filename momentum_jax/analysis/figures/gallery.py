"""The eight figures of a run, drawn from its dataset and its table of dips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.configuration import numeric_dose
from momentum_jax.analysis.curves import derive_curves
from momentum_jax.analysis.dips import landmark_depth
from momentum_jax.analysis.drawdowns import drawdowns, largest_drawdown, reaches
from momentum_jax.analysis.few_seeds import enough
from momentum_jax.analysis.figures.curves import plot_curves
from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.dose import plot_dose
from momentum_jax.analysis.figures.heatmap import plot_drawdowns
from momentum_jax.analysis.figures.hold import plot_hold
from momentum_jax.analysis.figures.onset import plot_onset
from momentum_jax.analysis.figures.pairs import plot_pairs
from momentum_jax.analysis.figures.predictors import plot_predictors
from momentum_jax.analysis.figures.recovery import plot_recovery
from momentum_jax.analysis.formatting import format_steps
from momentum_jax.analysis.measures import aligned, policy_visit_split, predictor_table
from momentum_jax.analysis.signal import from_rates
from momentum_jax.analysis.tables import DIP_METRICS, HORIZON, THRESHOLD

Floats = npt.NDArray[np.float64]

PRIMARY = "p_hold"
LANDMARK = 5_000
_OFFSETS = np.arange(-5_000.0, 30_001.0, 1_000.0)
_HEALTH = {
    "entropy": "entropy, nat",
    "approx_kl": "approximate KL, nat",
    "explained_variance": "explained variance",
    "advantage_std": "advantages' standard deviation",
}


class Picture(NamedTuple):
    """One figure of the gallery."""

    name: str  # file name without suffix
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

    def healthy(self, arm: str) -> npt.NDArray[np.bool_]:
        """``[seed]``: the seed never failed."""
        return self.dip(arm, "failed_step").to_numpy() < 0


def gallery(ds: xr.Dataset, dips: pd.DataFrame, noise: pd.DataFrame) -> Iterator[Picture]:
    """Draws the figures one after the other; one that the run has no data for is left out.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
        noise: what chance alone makes, as `noise_table` returns it.
    """
    arms = [str(arm) for arm in ds["arm"].values]
    run = _Run(ds, derive_curves(ds), dips, arms, ds["env_steps"].values)
    name = ds.attrs["experiment"]
    yield Picture("hold_pct", "HOLD of every seed and the median, with the published windows of tune2", plot_hold(ds))
    yield _curves(run, name)
    yield _drawdowns(run, name)
    yield _depths(run, name, noise)
    dose = numeric_dose(json.loads(ds.attrs["config"])["arms"])
    if dose is not None:
        yield _dose(run, name, *dose)
    if len(arms) > 1:
        yield _pairs(run, name)
    yield _recovery(run, name)
    yield _onset(run, name)
    yield _predictors(run, name)


def _curves(run: _Run, name: str) -> Picture:
    metrics = {
        "exact P(HOLD) %": run.by_arm(run.curves["p_hold"]),
        "exact P(BUY), strong, %": run.by_arm(run.curves["p_buy_strong"]),
        "windowed HOLD %": run.by_arm(run.curves["hold_pct"]),
    }
    band = ", and a band that covers the whole median curve with 95 %" if enough(run.ds.sizes["seed"]) else ""
    caption = f"Every seed's curve, the median{band}"
    return Picture("1_curves", caption, plot_curves(run.env_steps, metrics, f"{name}: every seed and the median"))


def _drawdowns(run: _Run, name: str) -> Picture:
    fall = {arm: drawdowns(-curve).drawdown for arm, curve in run.by_arm(run.curves[PRIMARY]).items()}
    onset = {arm: run.dip(arm, "onset_step").to_numpy() for arm in run.arms}
    caption = "Drawdown of exact P(HOLD) by seed and checkpoint, sorted by onset (orange dots)"
    figure = plot_drawdowns(run.env_steps, fall, onset, f"{name}: rise of P(HOLD) above its lowest so far")
    return Picture("2_drawdowns", caption, figure)


def _depths(run: _Run, name: str, noise: pd.DataFrame) -> Picture:
    metrics = {
        metric.label: {arm: _depth(run, arm, metric.curve, metric.sign) for arm in run.arms} for metric in DIP_METRICS
    }
    limits = {
        str(label): dict(zip(rows["arm"], rows["by_chance"], strict=True))
        for label, rows in noise[noise["baseline"] == 0].groupby("metric")
    }
    caption = "Largest fall of each seed within the horizon, against the threshold and what sampling noise makes"
    return Picture("3_depths", caption, plot_depths(metrics, THRESHOLD, f"{name}: how deep", limits))


def _depth(run: _Run, arm: str, curve: str, sign: int, baseline: int = 0) -> Floats:
    """Of the seeds that did not fail; NaN for the others."""
    depth = largest_drawdown(run.env_steps, run.by_arm(run.curves[curve])[arm], sign, HORIZON, baseline).depth
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
    return Picture("4_dose", f"Prevalence of dips and return against {setting}, with 95 % intervals", figure)


def _pairs(run: _Run, name: str) -> Picture:
    first, second = run.arms[:2]
    hold = run.by_arm(run.curves[PRIMARY])
    strong = run.by_arm(run.curves["p_buy_strong"])
    landmarks = {arm: landmark_depth(run.env_steps, hold[arm]) for arm in (first, second)}
    falls = {arm: _depth(run, arm, PRIMARY, -1) for arm in (first, second)}
    metrics = {
        "largest rise of P(HOLD), points": (falls[first], falls[second]),
        "P(HOLD) at 10k minus 5k, points": (landmarks[first], landmarks[second]),
        "P(BUY), strong, at the end, %": (strong[first][:, -1], strong[second][:, -1]),
    }
    caption = f"The same seeds in {first} and {second}; mean change with its 95 % BCa interval, r: pairing correlation"
    return Picture("5_pairs", caption, plot_pairs(first, second, metrics, f"{name}: paired seeds"))


def _recovery(run: _Run, name: str) -> Picture:
    durations = {}
    for arm in run.arms:
        dipped = run.dip(arm, "has_dip").to_numpy(bool) & run.healthy(arm)
        censored = run.dip(arm, "censored").to_numpy(bool)[dipped]
        waited = run.env_steps[-1] - run.dip(arm, "onset_step").to_numpy()[dipped]
        durations[arm] = (np.where(censored, waited, run.dip(arm, "duration").to_numpy()[dipped]), censored)
    caption = "Kaplan–Meier curves of recovery by 90 % of the depth, exact P(HOLD), with the number at risk"
    return Picture("6_recovery", caption, plot_recovery(durations, f"{name}: how long until P(HOLD) came back"))


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
    return Picture("7_onset", caption, plot_onset(_OFFSETS, metrics, f"{name}: around the onset"))


def _predictors(run: _Run, name: str) -> Picture:
    arm = run.arms[0]
    depth = _depth(run, arm, PRIMARY, -1, LANDMARK)
    table = predictor_table(_landmark_features(run, arm), depth, reaches(depth, THRESHOLD))
    parts = policy_visit_split(run.ds)
    split = {}
    for position, label in enumerate(run.arms):
        policy, visit = (_total(part[position]) for part in parts)
        split[label] = (policy, visit)
    figure = plot_predictors(
        table, run.env_steps[1:], split, f"{name}: what foretells a dip after {format_steps(LANDMARK)} steps"
    )
    caption = f"Predictors at step 5 000 of the rise of P(HOLD) after it ({arm}), and what moved windowed HOLD"
    return Picture("8_predictors", caption, figure)


def _landmark_features(run: _Run, arm: str) -> dict[str, Floats]:
    """Values at the last checkpoint that is not after the landmark, ``[seed]`` by name."""
    at = int(np.searchsorted(run.env_steps, LANDMARK, side="right")) - 1
    strong, weak = (run.by_arm(run.curves[curve])[arm][:, at] for curve in ("p_buy_strong", "p_buy_weak"))
    sensitivity, criterion = from_rates(strong / 100, weak / 100)
    features = {"P(HOLD) itself": run.by_arm(run.curves[PRIMARY])[arm][:, at], "d′": sensitivity, "c": criterion}
    names = ("entropy", "approx_kl", "explained_variance", "advantage_std", "grad_norm", "value_loss", "reward_sum")
    return features | {variable.replace("_", " "): run.by_arm(run.ds[variable])[arm][:, at] for variable in names}


def _total(part: Floats) -> Floats:
    """Mean over seeds, summed since the first window; NaN where no seed has a value."""
    known = ~np.isnan(part).all(axis=0)
    mean = np.zeros(part.shape[1])
    mean[known] = np.nanmean(part[:, known], axis=0)
    return np.cumsum(mean)
