"""Curves of an environment's metrics, derived from what is recorded.

A percentage is NaN where its denominator is 0 (no decision of that kind was taken), and every curve is NaN from the
step at which a seed failed.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from contextvars import ContextVar

import xarray as xr

from momentum_jax.analysis.metrics.metric_curves import exact_share
from momentum_jax.diagnostics import metric_values
from momentum_jax.diagnostics.description import Diagnostics, Metric, Ratio, Recorded, Share
from momentum_jax.diagnostics.variables import DIVERGENCE_LIMIT, PRIMARY, of_probe_set
from momentum_jax.run_directory import diagnostics_of


def fraction(metric: Metric, counts: xr.Dataset, diagnostics: Diagnostics) -> tuple[xr.DataArray, xr.DataArray]:
    """What a share or a ratio counts, and what it is counted of; see `metric_values.fraction`.

    Args:
        metric: one with a percentage of decisions.
        counts: the table of its decisions ``[..., context, action]``, or ``[..., action]`` of another than the
            description's own, and for a ratio its numerator ``[...]``.
        diagnostics: the environment's description.

    Returns:
        Numerator and denominator, ``[...]``.
    """
    derived = metric.derived
    if isinstance(derived, Recorded):
        raise TypeError(f"metric {metric.name} is a recorded variable, expected a share or a ratio")
    name = diagnostics.counted_in(derived)
    last = (diagnostics.context, "action") if name == diagnostics.decisions else ("action",)
    table = counts[name].transpose(..., *last)
    like = table.isel(dict.fromkeys(last, 0), drop=True)
    arrays = {name: table.values}
    if isinstance(derived, Ratio):
        arrays[derived.numerator] = counts[derived.numerator].transpose(*like.dims).values
    numerator, total = metric_values.fraction(derived, diagnostics, arrays)
    like.attrs = {}
    return like.copy(deep=False, data=numerator), like.copy(deep=False, data=total)


def percentages(counts: xr.Dataset, diagnostics: Diagnostics) -> xr.Dataset:
    """In percent by the metric's name: every share and ratio all of whose numbers are among the counts.

    Args:
        counts: as `counts_of` returns them, or sums of them, or expected counts of decisions alone.
        diagnostics: the environment's description.

    Returns:
        Each ``[...]``; NaN where there was no such decision.
    """
    found = {}
    for metric in diagnostics.metrics:
        if set(_counted(metric, diagnostics)) <= set(counts) and not isinstance(metric.derived, Recorded):
            numerator, total = fraction(metric, counts, diagnostics)
            found[metric.name] = 100 * numerator / total.where(total > 0)
    return xr.Dataset(found)


def counts_of(ds: xr.Dataset) -> xr.Dataset:
    """What the shares and ratios of a loaded run are counted from: decisions and numerators of each window."""
    diagnostics = diagnostics_of(ds)
    names = itertools.chain(*(_counted(metric, diagnostics) for metric in diagnostics.metrics))
    return ds[[*dict.fromkeys([diagnostics.decisions, *names])]]


def _counted(metric: Metric, diagnostics: Diagnostics) -> Iterator[str]:
    """Names of the variables that a share or a ratio is counted from."""
    if not isinstance(metric.derived, Recorded):
        yield diagnostics.counted_in(metric.derived)
    if isinstance(metric.derived, Ratio):
        yield metric.derived.numerator


def expected_counts(ds: xr.Dataset) -> xr.Dataset:
    """Decisions that the exact probabilities expect on the probe states.

    Returns:
        The table of decisions ``[..., probe_half, context, action]`` and, for each further set of probe states, the
        variable that counts its decisions ``[..., probe_half, action]``.
    """
    diagnostics = diagnostics_of(ds)
    sets = {diagnostics.decisions: PRIMARY} | {one.decisions: one.name for one in diagnostics.probe_sets}
    expected = {}
    for decisions, name in sets.items():
        count = ds[of_probe_set("probe_count", name)]
        # A context without probe states has no probability (NaN) and no weight.
        expected[decisions] = xr.where(count > 0, ds[of_probe_set("p_action", name)] * count, 0.0)
    return xr.Dataset(expected)


def failed_steps(ds: xr.Dataset) -> xr.DataArray:
    """``[arm, seed]`` int64: the env step at which the seed failed, -1 where it did not.

    A run that was recorded before there was a limit has failed at the first checkpoint whose value loss is above it.
    """
    recorded = ds["failed_step"].max("checkpoint").fillna(-1).astype("int64")
    if "value_loss" not in ds:  # a study's page need not keep it
        return recorded
    diverged = ds["value_loss"] > divergence_limit(ds)
    step = ds["env_steps"].where(diverged).min("checkpoint")
    return recorded.where((recorded >= 0) | step.isnull(), step.fillna(-1)).astype("int64")


def divergence_limit(ds: xr.Dataset) -> float:
    """Value loss above which a seed of a run counts as diverged."""
    return json.loads(ds.attrs.get("config", "{}")).get("divergence_limit", DIVERGENCE_LIMIT)


def healthy(ds: xr.Dataset) -> xr.DataArray:
    """``[arm, seed, checkpoint]`` bool: the seed had not failed by that checkpoint."""
    failed = failed_steps(ds)
    return (failed < 0) | (ds["env_steps"] < failed)


def healthy_seeds(ds: xr.Dataset) -> int:
    """Seeds that did not fail, in the arm that has most of them."""
    return int((failed_steps(ds) < 0).sum("seed").max())


# A dataset and its curves, within `curves_kept`.
_KEPT: ContextVar[tuple[xr.Dataset, xr.Dataset] | None] = ContextVar("kept curves", default=None)


@contextlib.contextmanager
def curves_kept(ds: xr.Dataset) -> Iterator[None]:
    """Within it `derive_curves` of this very dataset computes nothing again; nothing may change the dataset there."""
    token = _KEPT.set((ds, derive_curves(ds)))
    try:
        yield
    finally:
        _KEPT.reset(token)


def derive_curves(ds: xr.Dataset) -> xr.Dataset:
    """Every derived curve of a loaded run.

    Args:
        ds: as `momentum_jax.run_directory.load_run` returns it.

    Returns:
        Dataset over ``[arm, seed, checkpoint]``, for each metric of the run's environment:

        - a share or a ratio ``<name>``: within the window that ends at the checkpoint, in percent; with
          ``_cumulative``: since step 0; a share's ``exact_name``: by exact probabilities, over the probe states.
          ``<exact name>_half`` of the share that `exact_share` names has ``[..., probe_half]``;
        - a recorded variable ``<name>``, as it stands;

        and ``<event>_cumulative`` for each shown event: count since step 0.
    """
    kept = _KEPT.get()
    if kept is not None and kept[0] is ds:
        return kept[1]
    diagnostics = diagnostics_of(ds)
    counts = counts_of(ds)
    forms = {
        "windowed": percentages(counts, diagnostics),
        "cumulative": percentages(counts.cumsum("checkpoint", skipna=False), diagnostics),
    }
    halves = expected_counts(ds)
    forms["exact"] = percentages(halves.sum("probe_half", skipna=False), diagnostics)
    curves = {}
    for metric in diagnostics.metrics:
        for counted, name in metric.curves.items():
            derived = metric.derived
            values = recorded(ds, derived) if isinstance(derived, Recorded) else forms[counted][metric.name]
            curves[name] = values.astype(float).assign_attrs(_attributes(metric, counted, diagnostics))
    judged_halves = exact_share(diagnostics)
    if judged_halves is not None:
        values = percentages(halves, diagnostics)[judged_halves.name]
        attributes = _attributes(judged_halves, "exact", diagnostics)
        curves[f"{judged_halves.exact_name}_half"] = values.assign_attrs(attributes)
    for name in diagnostics.shown_events:
        total = ds[name].cumsum("checkpoint", skipna=False).astype(float)
        curves[f"{name}_cumulative"] = total.assign_attrs(ds[name].attrs | {"kind": "cumulative"})
    with xr.set_options(keep_attrs=True):
        masked = xr.Dataset(curves).where(healthy(ds))
    return masked.assign_coords({name: ds[name] for name in ("env_steps", "update")})


def recorded(ds: xr.Dataset, derived: Recorded, variable: str = "") -> xr.DataArray:
    """``[arm, seed, checkpoint]``: what a metric stands for, or another `variable` of the same dimensions."""
    values = ds[variable or derived.variable]
    if not derived.label:
        return values
    (dim,) = (dim for dim in values.dims if dim not in ("arm", "seed", "checkpoint"))
    return values.sel({dim: derived.label}, drop=True)


def standard_errors(ds: xr.Dataset, metric: Metric) -> xr.DataArray | None:
    """``[arm, seed, checkpoint]`` standard errors of a metric's curve; None where they are not recorded."""
    derived = metric.derived
    if not isinstance(derived, Recorded) or not derived.standard_error:
        return None
    return recorded(ds, derived, derived.standard_error).where(healthy(ds))


def _attributes(metric: Metric, counted: str, diagnostics: Diagnostics) -> dict[str, str | int]:
    """What a curve carries beside its values."""
    exact = counted == "exact"
    evaluated = counted == "evaluated"
    long_name, denominator = metric.long_name or metric.label, metric.denominator
    if exact and isinstance(metric.derived, Share):
        probe_set = diagnostics.probe_set_of(diagnostics.counted_in(metric.derived))
        long_name = f"P({long_name}) on the {probe_set.states if probe_set else 'probe states'}"
        denominator = of_probe_set("probe_count", probe_set.name if probe_set else PRIMARY)
    return {
        "long_name": long_name,
        "units": metric.unit,
        "kind": "instant" if exact or evaluated else counted,
        "estimator": "exact" if exact else "sampled",
        "denominator": denominator,
        "good_direction": metric.good_direction,
    }
