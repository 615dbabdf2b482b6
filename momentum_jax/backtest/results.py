"""From blocks of tallies to one dataset, and from closed trades to a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.backtest.program import Block
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env import baselines
from momentum_jax.env.baseline_rules import RULES
from momentum_jax.env.device_market import FIRST_BAR, Market
from momentum_jax.env.rules import INITIAL_CAPITAL, RISKED_FRACTION
from momentum_jax.market.contract_terms import LAGGED_CLOSE
from momentum_jax.market.session_segments import Session
from momentum_jax.run_directory import backtest_names as names

PLAYED = (*names.WAYS, *RULES)
"""Policies in the order of a block's second axis."""

_SIDES = np.array(["", "call", "put"])


class Axes(NamedTuple):
    """Labels of the arrays, and where each session lies in them."""

    days: np.ndarray  # [D] datetime64[ns]
    symbols: list[str]
    day_of: np.ndarray  # [S] int
    symbol_of: np.ndarray  # [S] int

    @classmethod
    def of(cls, sessions: Sequence[Session]) -> Axes:
        dates = np.asarray([session.date for session in sessions], "datetime64[ns]")
        days, day_of = np.unique(dates, return_inverse=True)
        symbols = list(dict.fromkeys(session.symbol for session in sessions))
        return cls(days, symbols, day_of, np.asarray([symbols.index(session.symbol) for session in sessions]))


class Arrays:
    """The variables of all runs, `names.DIMS`, NaN where nothing was played."""

    def __init__(self, config: RunConfig, axes: Axes):
        self.config, self.axes = config, axes
        shape = (len(config.arms), config.num_seeds, len(axes.days), len(names.POLICIES), len(axes.symbols))
        self.values = {name: np.full(shape, np.nan, np.float32) for name in names.VARIABLES}

    def add(self, block: Block, places: np.ndarray) -> None:
        """Put a block in place; `places` [run, 2] are arm and seed of its program's runs."""
        arms, seeds = places[list(block.runs)].T
        days, symbols = self.axes.day_of[block.sessions], self.axes.symbol_of[block.sessions]
        tally = block.tally._asdict()
        steps = tally.pop("steps")
        tally["time_in_market"] = tally.pop("bars_in_position") / steps
        for name, array in tally.items():
            for policy, each in enumerate(np.moveaxis(np.asarray(array), 1, 0)):
                self.values[name][arms[:, None], seeds[:, None], days, policy, symbols] = each

    def add_underlying(self, market: Market) -> None:
        """Seven per cent of the capital in the underlying, from the first possible fill to the last, without costs."""
        first, last = np.asarray(market.starts) + 1 - FIRST_BAR, np.asarray(market.ends) - FIRST_BAR
        prices = np.asarray(market.prices, np.float64)
        close = prices[:, 0] + prices[:, 1]
        growth = close[last] / close[first] - 1
        stake = RISKED_FRACTION * INITIAL_CAPITAL
        own: dict[str, Any] = {name: np.zeros_like(growth) for name in names.VARIABLES}
        own |= {
            "pnl": stake * growth,
            "trades": np.ones_like(growth),
            "wins": (growth > 0).astype(float),
            "gross_gain": stake * np.maximum(growth, 0),
            "gross_loss": stake * np.maximum(-growth, 0),
            "worst_trade": growth,
            "best_trade": growth,
            "big_losses": (growth < names.BIG_LOSS).astype(float),
            "take_profits": (growth >= names.TAKE_PROFIT).astype(float),
            "time_in_market": np.ones_like(growth),
            "turnover": stake * (2 + growth),
        }
        policy = names.POLICIES.index(baselines.UNDERLYING)
        for name, values in own.items():
            self.values[name][:, :, self.axes.day_of, policy, self.axes.symbol_of] = values

    def dataset(self, healthy: np.ndarray, sessions: Sequence[Session]) -> xr.Dataset:
        """The arrays with their labels; seeds that diverged are NaN."""
        axes = self.axes
        regimes = np.full((len(axes.days), len(axes.symbols)), "", dtype="<U8")
        bars = np.zeros(regimes.shape, np.int64)
        for session, day, symbol in zip(sessions, axes.day_of, axes.symbol_of, strict=True):
            regimes[day, symbol], bars[day, symbol] = session.regime, session.num_bars
        coords = {
            "arm": [arm.name for arm in self.config.arms],
            "seed": np.asarray(self.config.seeds, np.int64),
            "day": axes.days,
            "policy": list(names.POLICIES),
            "symbol": axes.symbols,
            "regime": (("day", "symbol"), regimes),
            "bars": (("day", "symbol"), bars),
        }
        variables = {
            name: (names.DIMS, self.values[name], {"units": unit, "long_name": text})
            for name, (unit, text) in names.VARIABLES.items()
        }
        found = xr.Dataset(variables, coords)
        return found.where(xr.DataArray(healthy, dims=("arm", "seed")))


def trade_table(
    block: Block, places: np.ndarray, config: RunConfig, sessions: Sequence[Session], market: Market
) -> pd.DataFrame:
    """The trades of a block, a row each; of baselines that draw nothing, the first seed's alone."""
    trades = block.trades
    assert trades is not None
    run, _, policy, session = np.nonzero(trades.closed)
    arms, seeds = places[np.asarray(block.runs)[run]].T
    drawn = np.asarray([name in (*names.WAYS, baselines.RANDOM) for name in PLAYED])
    kept = np.nonzero(drawn[policy] | (seeds == 0))[0]
    where = tuple(axis[kept] for axis in np.nonzero(trades.closed))
    starts = np.asarray(market.starts)
    place = session[kept] + block.sessions.start
    rows = {name: np.asarray(leaf)[where] for name, leaf in trades._asdict().items()}
    stamps = [each.segment.bar_time_ns for each in sessions]
    late = config.arms[0].env.fill == LAGGED_CLOSE  # a bar after the first that closes

    def times(bars: np.ndarray) -> np.ndarray:
        inside = bars - starts[place] + FIRST_BAR - (not late)
        found = [stamps[each][row] for each, row in zip(place.tolist(), inside.tolist(), strict=True)]
        return np.asarray(found, "datetime64[ns]")

    reason = np.where(rows["stopped"], "forced stop", np.where(rows["at_close"], "close", "own sale"))
    return pd.DataFrame(
        {
            "arm": np.asarray([arm.name for arm in config.arms])[arms[kept]],
            "seed": np.asarray(config.seeds)[seeds[kept]],
            "policy": np.asarray(PLAYED)[policy[kept]],
            "symbol": np.asarray([each.symbol for each in sessions])[place],
            "side": _SIDES[rows["kind"]],
            "entry_time": times(rows["entry_bar"]),
            "exit_time": times(rows["exit_bar"]),
            "bars_held": rows["exit_bar"] - rows["entry_bar"],
            "contracts": rows["contracts"],
            "cost": rows["cost"],
            "pnl": rows["pnl"],
            "trade_return": rows["pnl"] / rows["cost"],
            "sold_by": reason,
        }
    )
