"""Daily profit on validation days at checkpoints, beside the metric that the run is judged by first."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.metrics.metric_curves import every_curve, primary_curve
from momentum_jax.diagnostics.session_profit import VALIDATION
from momentum_jax.run_directory import diagnostics_of

CAPTION = (
    "Profit of a validation day after costs at the checkpoints at which policies traded, under the metric that the run "
    "is judged by: does a dip of one lie where the other's does?"
)


def plot_validation(ds: xr.Dataset, curves: xr.Dataset, title: str) -> Figure:
    """A row for the primary metric, one for the profit with sampled actions and one for that with greedy ones.

    Args:
        ds: a loaded run that trades validation sessions.
        curves: its curves, as `derive_curves` returns them.
        title: above the figure.
    """
    diagnostics = diagnostics_of(ds)
    profits = [curve for name, curve in every_curve(diagnostics).items() if name.startswith(f"{VALIDATION}pnl")]
    drawn = [primary_curve(diagnostics), *profits]
    traded = ds["validation_pnl"].notnull().any(["arm", "seed", "evaluated"]).values
    arms = [str(arm) for arm in ds["arm"].values]
    values = {curve.label: curves[curve.name].transpose("arm", "seed", ...).values[..., traded] for curve in drawn}
    metrics = {label: dict(zip(arms, array, strict=True)) for label, array in values.items()}
    percentages = {curve.label for curve in drawn if curve.metric.is_percentage}
    return plot_curves(ds["env_steps"].values[traded], metrics, title, percentages)
