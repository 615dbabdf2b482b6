"""What happens inside positions: the rewards that each action meets there, and the moves of the policy in updates."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market

from . import tables
from .claims import FIXED_STEPS, TUNE2

_ACTIONS = {"hold": ["HOLD"], "trim": ["TRIM_50", "TRIM_70"], "exit": ["EXIT"]}
_IN_THOUSANDS, _IN_PERCENT = ("policy_kl", "policy_kl_position"), ("churn", "churn_position")


def rewards(market: Market) -> pd.DataFrame:
    """Mean reward of each action in a position, and of a forced stop, in the first 5 000 steps.

    Each seed's mean over its decisions, averaged over seeds, with 95 % intervals; a forced stop is none of the actions.
    ``stops_per_100`` are forced or yoked ones per 100 decisions in a position.
    """
    ds = tables.everything(market)
    if ds is None or "position_reward_sum" not in ds:
        return pd.DataFrame()
    early = ds.isel(checkpoint=ds["env_steps"].values <= FIXED_STEPS[0]).sum("checkpoint")
    stops = early["forced_stop"] + early["yoked_stop"]
    count, reward = early["position_count"], early["position_reward_sum"]
    numbers = {
        f"reward_of_{name}": _ratio(reward.sel(action=actions), count.sel(action=actions))
        for name, actions in _ACTIONS.items()
    }
    numbers["reward_of_stop"] = _ratio(early["stop_reward_sum"], early["forced_stop"])
    numbers["stops_per_100"] = 100 * stops / (count.sum("action") + stops)
    rows = []
    for arm in ds["arm"].values:
        row: dict[str, Any] = {"arm": arm}
        for name, values in numbers.items():
            row |= ends(name, mean_interval(values.sel(arm=arm).values))
        rows.append(row)
    return pd.DataFrame(rows)


def _ratio(reward: xr.DataArray, count: xr.DataArray) -> xr.DataArray:
    total = count.sum("action") if "action" in count.dims else count
    return reward.sum("action") / total.where(total > 0)


def single_updates(market: Market) -> pd.DataFrame:
    """Tune2's policy in single updates, in percent of states (churn) and thousandths of a nat (KL)."""
    table = tables.churn(market)
    if table.empty:
        return table
    own = table[table["arm"] == TUNE2].drop(columns="arm").reset_index(drop=True)
    percent, thousands = (own.columns.intersection([*names]) for names in (_IN_PERCENT, _IN_THOUSANDS))
    own[percent], own[thousands] = 100 * own[percent], 1_000 * own[thousands]
    names = {name: f"{name}_pct" for name in percent} | {name: f"{name}_thousandths" for name in thousands}
    return own.rename(columns=names)
