"""The number of each seed that a criterion speaks of."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.claims.claim_intervals import room_to_fall
from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.dips import find_dips
from momentum_jax.analysis.metrics.curves import derive_curves, healthy
from momentum_jax.analysis.report.run_tables import table_percentages
from momentum_jax.config.declared_claims import Criterion
from momentum_jax.config.run_config import TABLE_STEPS

_SIGNS = {"hold_pct": -1, "strong_buy_pct": 1}
_DIP_CURVES = {
    ("hold_pct", "windowed"): "hold_pct",
    ("hold_pct", "exact"): "p_hold",
    ("strong_buy_pct", "windowed"): "strong_buy_pct",
    ("strong_buy_pct", "exact"): "p_buy_strong",
}


class RunNumbers:
    """A loaded run whose percentage tables are computed once, for many criteria."""

    def __init__(self, ds: xr.Dataset) -> None:
        self.ds = ds
        self._tables: dict[tuple[int, ...], xr.Dataset] = {}

    def per_seed(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """The criterion's number of each seed of an arm.

        Args:
            criterion: metric, quantity and steps.
            counted: cumulative, windowed or exact, in place of the criterion's own.
            arm: as the run calls it.

        Returns:
            ``[seed]`` in points (prevalence: 1 and 0); NaN where the run does not have it.
        """
        if criterion.is_dip:
            return self._dips(criterion, counted, arm)
        late = self._level(criterion.metric, counted, arm, criterion.step)
        if criterion.quantity == "level":
            return late
        return late - self._level(criterion.metric, counted, arm, criterion.from_step)

    def room(self, criterion: Criterion, counted: str, arm: str) -> float:
        """The deepest that a seed of the arm can fall by the criterion's step, see `room_to_fall`; points."""
        steps, sign = self.ds["env_steps"].values, _SIGNS[criterion.metric]
        return room_to_fall(steps, self._dip_curve(criterion, counted, arm), sign, criterion.step, criterion.from_step)

    def _dip_curve(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """``[seed, K]`` percent."""
        curve = self._curves[_DIP_CURVES[criterion.metric, counted]].sel(arm=arm)
        return curve.transpose("seed", "checkpoint").values

    @functools.cached_property
    def _curves(self) -> xr.Dataset:
        return derive_curves(self.ds)

    def _dips(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """Depth of each seed, or 1 with a dip and 0 without for prevalence; NaN for failed or unseen seeds."""
        steps, values = self.ds["env_steps"].values, self._dip_curve(criterion, counted, arm)
        options = DipOptions(horizon=criterion.step, baseline_step=criterion.from_step)
        dips = find_dips(steps, values, _SIGNS[criterion.metric], options)
        size = dips.has_dip.astype(float) if criterion.quantity == "prevalence" else dips.depth
        usable = dips.observed & healthy(self.ds).isel(checkpoint=-1).sel(arm=arm).values
        return np.where(usable, size, np.nan)

    def _level(self, metric: str, counted: str, arm: str, step: int) -> npt.NDArray[np.float64]:
        steps = tuple(sorted({*TABLE_STEPS, step}))
        if steps not in self._tables:
            self._tables[steps] = table_percentages(self.ds, steps)
        table = self._tables[steps]
        row = np.flatnonzero(table["env_steps"].values == step)
        if not len(row):
            return np.full(self.ds.sizes["seed"], np.nan)
        at = table.isel(checkpoint=int(row[0])).sel(arm=arm)
        if metric == "chase_pct":
            return _chases(self.ds.sel(arm=[arm]), counted, steps, step)
        share = at["call_pct"] + at["put_pct"] if metric == "buy_pct" else at[metric]
        return share.sel(counted=counted).values


def _chases(selected: xr.Dataset, counted: str, steps: tuple[int, ...], step: int) -> npt.NDArray[np.float64]:
    """Chasing buys as a percentage of the flat buys."""
    env_steps = selected["env_steps"].values
    earlier = [known for known in steps if known < step and known in env_steps]
    start = max(earlier, default=0) if counted == "windowed" else 0
    within = np.flatnonzero((env_steps > start) & (env_steps <= step))
    window = selected.isel(checkpoint=within, arm=0)
    buys = window["flat_count"].sel(action=["BUY_CALL", "BUY_PUT"]).sum(["setup_score", "action", "checkpoint"])
    share = 100 * window["bad_chase"].sum("checkpoint") / buys.where(buys > 0)
    return share.where(healthy(selected).isel(arm=0, checkpoint=within[-1])).values
