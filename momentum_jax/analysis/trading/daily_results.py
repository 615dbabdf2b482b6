"""A backtest's sessions by day: where several symbols trade on one day, the capital is split evenly between them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.trading.performance import CAPITAL
from momentum_jax.run_directory.backtest_names import BASELINES, WAYS

Floats = npt.NDArray[np.float64]

_MEANS = ("pnl", "gross_gain", "gross_loss", "turnover", "time_in_market")
_SMALLEST, _LARGEST = ("worst_trade",), ("best_trade",)


class DailyResults:
    """Arrays [seed, day] of each arm and policy, in float64; seeds that diverged are left out."""

    def __init__(self, sessions: xr.Dataset) -> None:
        self.sessions = sessions
        self.arms: list[str] = sessions["arm"].values.tolist()
        self.days = sessions["day"].values
        self._days: dict[str, xr.DataArray] = {}
        self.attributes: dict[str, Any] = dict(sessions.attrs)

    @property
    def num_days(self) -> int:
        return len(self.days)

    def seeds(self, arm: str) -> list[int]:
        """Seeds that did not diverge."""
        return self._by_day("pnl").sel(arm=arm)["seed"].values[self._healthy(arm)].tolist()

    def of(self, variable: str, arm: str, policy: str) -> Floats:
        """[seed, day]: dollars and shares are means over the day's symbols, counts are sums."""
        values = self._by_day(variable).sel(arm=arm, policy=policy).transpose("seed", "day").values
        return values[self._healthy(arm)].astype(np.float64)

    def trades_every_symbol(self, arm: str, policy: str) -> npt.NDArray[np.bool_]:
        """Seeds [seed] that trade each symbol on some day."""
        trades = self.sessions["trades"].sel(arm=arm, policy=policy).sum("day").transpose("seed", "symbol").values
        return np.all(trades[self._healthy(arm)] > 0, axis=1)

    def returns(self, arm: str, policy: str) -> Floats:
        """Daily profit as a fraction of the capital, [seed, day]."""
        return self.of("pnl", arm, policy) / CAPITAL

    def trials(self, arms: int | None = None) -> int:
        """Policies that were looked at: arms × seeds × sampled and greedy × checkpoints."""
        number = len(self.arms) if arms is None else arms
        return number * self.sessions.sizes["seed"] * len(WAYS) * int(self.attributes["checkpoints_looked_at"])

    def hold_bars(self, arm: str) -> tuple[int, int]:
        """Bars for which the baselines hold calls and puts."""
        calls, puts = json.loads(self.attributes["hold_bars"])[arm]
        return calls, puts

    def same_baselines(self, arm: str) -> bool:
        """Whether all baselines of an arm are those of the first one: their environments trade alike."""
        names = list(BASELINES)
        own, first = (self.sessions["pnl"].sel(arm=each, policy=names) for each in (arm, self.arms[0]))
        known = own.notnull() & first.notnull()
        return bool((own.where(known, 0) == first.where(known, 0)).all())

    def _healthy(self, arm: str) -> npt.NDArray[np.bool_]:
        return self._by_day("pnl").sel(arm=arm).notnull().all(["day", "policy"]).values

    def _by_day(self, variable: str) -> xr.DataArray:
        if variable not in self._days:
            self._days[variable] = self._over_symbols(variable)
        return self._days[variable]

    def _over_symbols(self, variable: str) -> xr.DataArray:
        values = self.sessions[variable]
        if variable in _MEANS:
            return values.mean("symbol")
        if variable in _SMALLEST:
            return values.min("symbol")
        return values.max("symbol") if variable in _LARGEST else values.sum("symbol", min_count=1)
