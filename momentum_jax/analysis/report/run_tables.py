"""Checkpoint and dip tables of a run, as pandas frames of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.dips import DipClass, find_dips, landmark_depth
from momentum_jax.analysis.dips.early_part import early_steps, is_derived, table_steps
from momentum_jax.analysis.dips.excursions import find_excursions
from momentum_jax.analysis.dips.thresholds import dip_threshold, has_common_threshold, noise_floor, threshold_in_words
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.metrics.derived_curves import (
    counts_of,
    derive_curves,
    failed_steps,
    healthy,
    percentages,
    standard_errors,
)
from momentum_jax.analysis.metrics.metric_curves import Curve, dip_curves
from momentum_jax.config.checkpoint_steps import TABLE_STEPS
from momentum_jax.diagnostics.description import COUNTED, Diagnostics
from momentum_jax.run_directory import diagnostics_of


def table_values(ds: xr.Dataset, steps: Iterable[int] | None = None) -> xr.Dataset:
    """Every metric of every seed at the rows of a table.

    Args:
        ds: a loaded run.
        steps: environment steps asked for; those that the run has are taken, and its last one. By default those of
            the published tables, or shares of a run whose early part follows from its length.

    Returns:
        Metrics by name, ``[arm, seed, checkpoint, counted]`` where ``counted`` is ``cumulative`` (since step 0),
        ``windowed`` (shares and ratios: since the previous row; a recorded variable: since the checkpoint before)
        or ``exact`` (shares: probabilities on the probe states). NaN in the forms that a metric does not have, and
        from the step a seed failed.
    """
    diagnostics, env_steps = diagnostics_of(ds), ds["env_steps"].values
    if steps is None:
        steps = table_steps(ds) if is_derived(ds) else TABLE_STEPS
    rows = np.flatnonzero((np.isin(env_steps, list(steps)) & (env_steps > 0)) | (env_steps == env_steps[-1]))
    totals = counts_of(ds).cumsum("checkpoint", skipna=False).isel(checkpoint=rows)
    windows = totals - totals.shift(checkpoint=1, fill_value=0)
    counted = {"cumulative": percentages(totals, diagnostics), "windowed": percentages(windows, diagnostics)}
    curves = derive_curves(ds).isel(checkpoint=rows)
    absent = xr.full_like(ds["failed_step"].isel(checkpoint=rows), np.nan, dtype=float).drop_attrs()
    parts = []
    for form in COUNTED:
        columns = {}
        for metric in diagnostics.metrics:
            names = metric.curves
            from_counts = form in counted and metric.name in counted[form]
            curve = curves[names[form]] if form in names else absent
            columns[metric.name] = counted[form][metric.name] if from_counts else curve
        parts.append(xr.Dataset(columns))
    index = pd.Index(COUNTED, name="counted")
    joined = xr.concat(parts, index, coords="minimal", compat="override", combine_attrs="drop")
    alive = healthy(ds).isel(checkpoint=rows)
    return joined.where(alive).assign_coords(env_steps=("checkpoint", env_steps[rows]))


def table_columns(diagnostics: Diagnostics) -> tuple[str, ...]:
    """Names of the metrics that the table of checkpoints shows."""
    return diagnostics.columns or diagnostics.metric_names


def checkpoint_table(ds: xr.Dataset, arm: str, steps: Iterable[int] | None = None) -> pd.DataFrame:
    """Median and range over seeds of an arm's metrics.

    Args:
        ds: a loaded run.
        arm: name of the arm.
        steps: rows wanted; see `table_values`.

    Returns:
        Indexed by ``env_steps`` and ``counted`` (the forms that a metric of the table has: cumulative, windowed
        between the rows, exact), with ``seeds`` (those with a value) and, for each metric of `table_columns`, columns
        ``<name>_median, <name>_min, <name>_max``.
    """
    diagnostics = diagnostics_of(ds)
    names = table_columns(diagnostics)
    forms = [form for form in COUNTED if any(form in diagnostics.metric(name).curves for name in names)]
    values = table_values(ds, steps).sel(arm=arm, counted=forms).transpose("checkpoint", "counted", "seed")
    index = pd.MultiIndex.from_product([values["env_steps"].values, forms], names=["env_steps", "counted"])
    known = [values[name].count("seed").values.ravel() for name in names]
    columns: dict[str, object] = {"seeds": np.max(known, axis=0)}
    for name in names:
        for statistic in ("median", "min", "max"):
            columns[f"{name}_{statistic}"] = getattr(values[name], statistic)("seed").values.ravel()
    return pd.DataFrame(columns, index=index)


def dip_thresholds(ds: xr.Dataset, curves: xr.Dataset) -> dict[str, float]:
    """Smallest depth that counts, by the curves of a run in which dips are looked for; see `dip_threshold`."""
    return {
        curve.name: dip_threshold(curve.metric, curves[curve.name], standard_errors(ds, curve.metric))
        for curve in dip_curves(diagnostics_of(ds))
    }


def dip_labels(ds: xr.Dataset) -> dict[str, str]:
    """Labels of the curves in which dips are looked for; one whose threshold is not the common one names it."""
    curves = dip_curves(diagnostics_of(ds))
    if all(has_common_threshold(curve.metric) for curve in curves):
        return {curve.name: curve.label for curve in curves}
    thresholds = dip_thresholds(ds, derive_curves(ds))
    floors = {curve.name: noise_floor(standard_errors(ds, curve.metric)) for curve in curves}
    return {
        name: f"{curve.label} (threshold: {threshold_in_words(curve.metric, thresholds[name], floors[name])})"
        for name, curve in ((curve.name, curve) for curve in curves)
    }


def dip_table(
    ds: xr.Dataset,
    options: DipOptions | None = None,
    baselines: Sequence[int] | None = None,
) -> pd.DataFrame:
    """One row per arm, metric, baseline and seed: the seed's dip.

    Args:
        ds: a loaded run.
        options: see `find_dips`; by default each metric has its own threshold, see `dip_threshold`.
        baselines: steps from which a dip is looked for, in place of the options' own; by default the run's.

    Returns:
        Columns ``arm, metric, baseline, seed, failed_step``, then the fields of `Dips` (the
        class as a word), then ``landmark_depth`` between the landmarks. Failed seeds have
        rows too (``failed_step`` not -1), measured on what came before the failure. ``depth`` is
        there without a dip too: the largest drawdown of every seed.
    """
    curves, env_steps, early = derive_curves(ds), ds["env_steps"].values, early_steps(ds)
    frames = []
    for curve, own in _options_of(ds, curves, options):
        values = curves[curve.name].transpose("arm", "seed", "checkpoint").values
        landmark = landmark_depth(env_steps, values, *early.landmarks, sign=curve.sign)
        for baseline in early.baselines if baselines is None else baselines:
            dips = find_dips(env_steps, values, curve.sign, replace(own, baseline_step=baseline))
            columns = {name: array.ravel() for name, array in dips._asdict().items()}
            columns["class"] = np.array([DipClass(value).name.lower() for value in columns.pop("klass")])
            keys = _seed_rows(ds).assign(metric=curve.name, baseline=baseline)
            frames.append(keys.assign(**columns, landmark_depth=landmark.ravel()))
    front = ["arm", "metric", "baseline", "seed", "failed_step"]
    table = pd.concat(frames, ignore_index=True)
    return table[front + [name for name in table.columns if name not in front]]


def depths_of(dips: pd.DataFrame, arm: str, curve: str) -> npt.NDArray[np.float64]:
    """``[seed]`` depth of an arm's seeds from initialisation, as `dip_table` has it; NaN for those that failed."""
    rows = dips[(dips["arm"] == arm) & (dips["metric"] == curve) & (dips["baseline"] == 0)]
    return rows["depth"].where(rows["failed_step"] < 0).to_numpy()


def excursion_table(
    ds: xr.Dataset,
    options: DipOptions | None = None,
    baselines: Sequence[int] | None = None,
) -> pd.DataFrame:
    """One row per excursion of the drawdown beyond the threshold; arguments as for `dip_table`.

    Returns:
        Columns ``arm, metric, baseline, seed, failed_step, excursion`` (1 for a seed's first),
        ``onset_step, trough_step, depth, recovery_step`` (NaN where it did not recover).
    """
    curves, keys = derive_curves(ds), _seed_rows(ds)
    frames = []
    for curve, own in _options_of(ds, curves, options):
        values = curves[curve.name].transpose("arm", "seed", "checkpoint").values
        for baseline in early_steps(ds).baselines if baselines is None else baselines:
            from_baseline = replace(own, baseline_step=baseline)
            found = find_excursions(ds["env_steps"].values, values, curve.sign, from_baseline)
            rows = keys.iloc[found.curve].reset_index(drop=True)
            rows.insert(1, "metric", curve.name)
            rows.insert(2, "baseline", baseline)
            rows["excursion"] = pd.Series(found.curve).groupby(found.curve).cumcount() + 1
            numbers = {name: array for name, array in found._asdict().items() if name != "curve"}
            frames.append(rows.assign(**numbers))
    return pd.concat(frames, ignore_index=True)


def _options_of(ds: xr.Dataset, curves: xr.Dataset, options: DipOptions | None) -> Iterator[tuple[Curve, DipOptions]]:
    """The curves in which dips are looked for, and what is taken for a dip of each."""
    thresholds = dip_thresholds(ds, curves)
    for curve in dip_curves(diagnostics_of(ds)):
        yield curve, options or DipOptions(horizon=early_steps(ds).horizon, threshold=thresholds[curve.name])


def _seed_rows(ds: xr.Dataset) -> pd.DataFrame:
    """Arm, seed and failed step of each run, in the order of a raveled ``[arm, seed]``."""
    failed = failed_steps(ds).transpose("arm", "seed")
    arm, seed = np.meshgrid(ds["arm"].values, ds["seed"].values, indexing="ij")
    return pd.DataFrame({"arm": arm.ravel(), "seed": seed.ravel(), "failed_step": failed.values.ravel()})


def dip_summary(dips: pd.DataFrame) -> pd.DataFrame:
    """Prevalence and size of dips per arm, metric and baseline, over the seeds that did not fail.

    Args:
        dips: as `dip_table` returns it.

    Returns:
        Columns ``arm, metric, baseline``; ``seeds`` (healthy and observed, see
        `Dips`) and ``failed`` (left out);
        ``dips`` with its share ``prevalence_pct`` and 95 % Wilson interval; over these seeds the
        quartiles of ``depth`` and the median of ``temporary_depth``; over those with a dip the
        quartiles of ``area_kstep`` (points x 1 000 steps), medians of ``trough_step`` and
        ``recovered_fraction``, and the numbers ``recovered`` (within the
        horizon) and ``censored``; over all healthy seeds the mean ``landmark`` depth with its
        95 % BCa interval and a flag where that is a point.
    """
    rows = []
    for keys, group in dips.groupby(["arm", "metric", "baseline"], sort=False):
        alive = group[group["failed_step"] < 0]
        observed = alive[alive["observed"]]
        dipped = observed[observed["has_dip"]]
        area = dipped["area"] / 1_000
        prevalence = wilson_interval(len(dipped), len(observed))
        landmark = mean_interval(alive["landmark_depth"])
        rows.append(
            {
                **dict(zip(["arm", "metric", "baseline"], keys, strict=True)),
                "seeds": len(observed),
                "failed": len(group) - len(alive),
                "dips": len(dipped),
                "prevalence_pct": 100 * prevalence.estimate,
                "prevalence_pct_low": 100 * prevalence.low,
                "prevalence_pct_high": 100 * prevalence.high,
                "depth_median": observed["depth"].median(),
                "depth_q25": observed["depth"].quantile(0.25),
                "depth_q75": observed["depth"].quantile(0.75),
                "temporary_depth_median": observed["temporary_depth"].median(),
                "area_kstep_median": area.median(),
                "area_kstep_q25": area.quantile(0.25),
                "area_kstep_q75": area.quantile(0.75),
                "trough_step_median": dipped["trough_step"].median(),
                "recovered_fraction_median": dipped["recovered_fraction"].median(),
                "recovered": int((dipped["class"] == DipClass.RECOVERED.name.lower()).sum()),
                "censored": int(dipped["censored"].sum()),
                "landmark_mean": landmark.estimate,
                "landmark_low": landmark.low,
                "landmark_high": landmark.high,
                "landmark_flag": landmark.flag,
            }
        )
    return pd.DataFrame(rows)
