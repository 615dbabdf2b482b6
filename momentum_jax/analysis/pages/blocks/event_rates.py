"""What was counted in windows of training: events per decision, and how often a context occurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import pandas as pd
import xarray as xr

from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.run_directory import diagnostics_of


def event_rates(
    ds: xr.Dataset | None,
    arms: Sequence[str],
    actions: Sequence[str],
    events: Mapping[str, str],
    window_ends: Sequence[int],
) -> pd.DataFrame:
    """Events per 100 decisions in which one of `actions` was taken, in windows of training.

    Args:
        ds: a run; None gives an empty table.
        arms: those of these that the run has.
        actions: of the decisions that the events are counted against.
        events: recorded counts by the name of their column.
        window_ends: steps between which the windows lie; one whose end the run has no checkpoint at is left out.

    Returns:
        One row per arm and window, means over seeds with 95 % intervals.
    """
    if ds is None:
        return pd.DataFrame()
    steps, rows, description = ds["env_steps"].values, [], diagnostics_of(ds)
    windows = [pair for pair in pairwise(window_ends) if pair[1] in steps]
    for arm, (start, end) in product([arm for arm in arms if arm in ds["arm"].values], windows):
        within = ds.sel(arm=arm).isel(checkpoint=(steps > start) & (steps <= end))
        chosen = within[description.decisions].sel(action=list(actions))
        decisions = chosen.sum([description.context, "action", "checkpoint"])
        row: dict[str, Any] = {"arm": arm, "from_step": start, "to_step": end}
        row["seeds"] = int((decisions > 0).sum())
        for column, event in events.items():
            share = 100 * within[event].sum("checkpoint") / decisions.where(decisions > 0)
            row |= ends(column, mean_interval(share.values))
        rows.append(row)
    return pd.DataFrame(rows)


def context_shares(
    market: Market, arms: Sequence[tuple[str, str]], contexts: Sequence[Any], last_step: int, column: str
) -> pd.DataFrame:
    """How often the decisions up to a step were taken in one of `contexts`, percent of an arm's decisions.

    Args:
        market: the parts.
        arms: part and name of each arm; one that was not run is left out.
        contexts: labels of the environment's context.
        last_step: the last step that counts.
        column: name of the share.

    Returns:
        One row per arm, means over seeds with 95 % intervals.
    """
    rows = []
    for part, arm in arms:
        ds = market.parts.get(part)
        if ds is None or arm not in ds["arm"].values:
            continue
        steps, description = ds["env_steps"].values, diagnostics_of(ds)
        first = ds[description.decisions].sel(arm=arm).isel(checkpoint=(steps > 0) & (steps <= last_step))
        decisions = first.sum(["action", "checkpoint"])
        every = decisions.sum(description.context)
        chosen = decisions.sel({description.context: list(contexts)}).sum(description.context)
        share = 100 * chosen / every.where(every > 0)
        known = int((every > 0).sum())
        rows.append({"part": part, "arm": arm, "seeds": known} | ends(column, mean_interval(share.values)))
    return pd.DataFrame(rows)
