"""The number of each seed that a criterion speaks of."""

from __future__ import annotations

import functools
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.claims.claim_intervals import bounds_of, room_to_fall
from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.dips import find_dips
from momentum_jax.analysis.dips.thresholds import dip_threshold
from momentum_jax.analysis.metrics.derived_curves import derive_curves, healthy, standard_errors
from momentum_jax.analysis.report.run_tables import table_values
from momentum_jax.config.checkpoint_steps import TABLE_STEPS
from momentum_jax.config.declared_claims import Criterion
from momentum_jax.diagnostics.description import Metric
from momentum_jax.run_directory import diagnostics_of


class RunNumbers:
    """A loaded run whose tables are computed once, for many criteria.

    Args:
        ds: the run.
        sessions: its evaluation on unseen days, see `run_directory.backtest_files`; None where there is none.
    """

    def __init__(self, ds: xr.Dataset, sessions: xr.Dataset | None = None) -> None:
        self.ds, self.sessions = ds, sessions
        self._tables: dict[tuple[int, ...], xr.Dataset] = {}
        self._numbers: dict[tuple[str, str, int, int, str, str], npt.NDArray[np.float64]] = {}

    def for_arms(self, names: Collection[str]) -> RunNumbers:
        """The numbers to judge a claim on these arms by: these; of several joined runs maybe those of one of them."""
        del names
        return self

    def per_seed(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """The criterion's number of each seed of an arm.

        Args:
            criterion: metric, quantity and steps.
            counted: cumulative, windowed or exact, in place of the criterion's own.
            arm: as the run calls it.

        Returns:
            ``[seed]`` in the metric's unit (prevalence: 1 and 0); NaN where the run does not have it.

        Raises:
            KeyError: the run's environment has no such metric, or the metric not that form of a dip.
        """
        key = (criterion.metric, criterion.quantity, criterion.from_step, criterion.step, counted, arm)
        if key not in self._numbers:
            self._numbers[key] = self._measured(criterion, counted, arm)
        return self._numbers[key]

    def _measured(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        if criterion.is_dip:
            return self._dips(criterion, counted, arm)
        late = self._level(criterion.metric, counted, arm, criterion.step)
        if criterion.quantity == "level":
            return late
        return late - self._level(criterion.metric, counted, arm, criterion.from_step)

    def metric(self, criterion: Criterion) -> Metric | None:
        """The metric that the criterion names; None where the run's environment has none of that name."""
        diagnostics = diagnostics_of(self.ds)
        return diagnostics.metric(criterion.metric) if criterion.metric in diagnostics.metric_names else None

    def room(self, criterion: Criterion, counted: str, arm: str) -> float:
        """The deepest that a seed of the arm can fall by the criterion's step, see `room_to_fall`."""
        steps, metric = self.ds["env_steps"].values, self._metric(criterion)
        bounds = bounds_of(metric, self._curves[metric.curves[counted]])
        values = self._dip_curve(criterion, counted, arm)
        return room_to_fall(steps, values, metric.good_direction, criterion.step, criterion.from_step, bounds)

    def _metric(self, criterion: Criterion) -> Metric:
        return diagnostics_of(self.ds).metric(criterion.metric)

    def _dip_curve(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """``[seed, K]``."""
        curve = self._curves[self._metric(criterion).curves[counted]].sel(arm=arm)
        return curve.transpose("seed", "checkpoint").values

    @functools.cached_property
    def _curves(self) -> xr.Dataset:
        return derive_curves(self.ds)

    def _dips(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """Depth of each seed, or 1 with a dip and 0 without for prevalence; NaN for failed or unseen seeds."""
        steps, values = self.ds["env_steps"].values, self._dip_curve(criterion, counted, arm)
        metric = self._metric(criterion)
        threshold = dip_threshold(metric, self._curves[metric.curves[counted]], standard_errors(self.ds, metric))
        options = DipOptions(horizon=criterion.step, baseline_step=criterion.from_step, threshold=threshold)
        dips = find_dips(steps, values, metric.good_direction, options)
        size = dips.has_dip.astype(float) if criterion.quantity == "prevalence" else dips.depth
        usable = dips.observed & healthy(self.ds).isel(checkpoint=-1).sel(arm=arm).values
        return np.where(usable, size, np.nan)

    def _level(self, metric: str, counted: str, arm: str, step: int) -> npt.NDArray[np.float64]:
        if step == 0:  # no row of a table, for nothing has been counted yet
            return self._start(metric, counted, arm)
        steps = tuple(sorted({*TABLE_STEPS, step}))
        if steps not in self._tables:
            self._tables[steps] = table_values(self.ds, steps)
        table = self._tables[steps]
        row = np.flatnonzero(table["env_steps"].values == step)
        if not len(row):
            return np.full(self.ds.sizes["seed"], np.nan)
        return table[metric].isel(checkpoint=int(row[0])).sel(arm=arm, counted=counted).values

    def _start(self, metric: str, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """``[seed]`` before the first update: NaN of what is counted since a step before."""
        name = diagnostics_of(self.ds).metric(metric).curves[counted]
        if self.ds["env_steps"].values[0] != 0:
            return np.full(self.ds.sizes["seed"], np.nan)
        return self._curves[name].isel(checkpoint=0).sel(arm=arm).values
