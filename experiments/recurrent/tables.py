"""The tables of the study, a function each, from one market's condensed runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.published import published_percentiles
from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.pages.blocks import designed_claims
from momentum_jax.analysis.pages.blocks.depth_tables import ends, in_percent
from momentum_jax.analysis.pages.blocks.published_tables import places_for_reading
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.config import Arm, Criterion
from momentum_jax.env.momentum_diagnostics import ACTIONS
from momentum_jax.study import part_name

from .. import v3
from ..early_dip.published import RUNS
from . import PARTS, reference

Floats = npt.NDArray[np.float64]

NAMES = tuple(part_name(part) for part in PARTS)
WINDOWS = (0, 5_000, 10_000, 25_000, 50_000, 100_000)
_ILLEGAL = slice(3, None)  # what a position alone can be trimmed or left by
_PUBLISHED = "v3"


def everything(market: Market) -> xr.Dataset | None:
    """All arms on the seeds of the study."""
    return market.joined(NAMES)


@functools.lru_cache(maxsize=1)
def numbers(market: Market) -> RunNumbers | None:
    """The numbers of all arms, of each to its own part's end."""
    ds = everything(market)
    return None if ds is None else designed_claims.PartsNumbers(market, NAMES, ds)


def equivalence(market: Market) -> pd.DataFrame:
    """This project's seeds beside the recorded ones of the reference learner: means, and the difference's interval."""
    ds = everything(market)
    if ds is None or v3.V3.name not in ds["arm"].values:
        return pd.DataFrame()
    run, rows = RunNumbers(ds), []
    stops = ds[reference.STOPS].sel(arm=v3.V3.name).cumsum("checkpoint").transpose("checkpoint", "seed").values
    place = {int(step): index for index, step in enumerate(ds["env_steps"].values)}
    for recorded in (one for one in reference.RECORDED if one.step in place):
        if recorded.metric == reference.STOPS:
            ours = stops[place[recorded.step]].astype(np.float64)
        else:
            level = Criterion(arm=v3.V3.name, metric=recorded.metric, step=recorded.step)
            ours = run.per_seed(level, "cumulative", v3.V3.name)
        ours = ours[~np.isnan(ours)]
        found = reference.compare(ours, recorded)
        rows.append(
            {
                "step": recorded.step,
                "number": recorded.metric,
                "seeds": len(ours),
                "here": ours.mean(),
                "here_sd": ours.std(ddof=1),
                "reference_seeds": reference.NUM_SEEDS,
                "reference": recorded.mean,
                "reference_sd": recorded.deviation,
                "difference": found.estimate,
                "difference_low": found.low,
                "difference_high": found.high,
                "margin": recorded.margin,
                "verdict": found.verdict,
            }
        )
    return pd.DataFrame(rows)


def published(market: Market) -> pd.DataFrame:
    """Every published number of v3 with its percentile among the seeds, and where one more run would fall."""
    ds = everything(market)
    if ds is None or v3.V3.name not in ds["arm"].values:
        return pd.DataFrame()
    return places_for_reading(published_percentiles(ds, RUNS[_PUBLISHED], v3.V3.name).assign(run=_PUBLISHED))


def effects(market: Market) -> pd.DataFrame:
    """Every arm by itself: P(BUY | flat) at its start, its fall, its level later, and how many seeds dip."""
    run, rows = numbers(market), []
    for arm in _arms(run):
        assert run is not None
        depths = run.per_seed(v3.depth(arm), "exact", arm.name)
        known = depths[~np.isnan(depths)]
        row: dict[str, Any] = {"arm": arm.name, "seeds": len(known)}
        row |= ends("start", mean_interval(_level(run, arm, 0)))
        row |= ends("depth", mean_interval(depths))
        row |= ends(
            "seeds_that_dip_pct",
            in_percent(wilson_interval(int(reaches(known, v3.THRESHOLD).sum()), len(known))),
        )
        row |= ends("at_horizon", mean_interval(_level(run, arm, v3.HORIZON)))
        row |= {"last_step": _last_step(run)} | ends("at_last_step", mean_interval(_level(run, arm, _last_step(run))))
        row |= ends("at_end", mean_interval(_at_end(run, arm)))
        rows.append(row)
    return pd.DataFrame(rows)


def two_by_two(market: Market) -> pd.DataFrame:
    """What a mask and what a memory change, each with and without the other, on the same seeds; and the trim trap."""
    run, rows = numbers(market), []
    known = {arm.name for arm in _arms(run)}
    contrasts = (
        ("mask, with memory", v3.MASKED, v3.V3),
        ("mask, without memory", v3.FEED_FORWARD_MASKED, v3.FEED_FORWARD),
        ("memory, with mask", v3.MASKED, v3.FEED_FORWARD_MASKED),
        ("memory, without mask", v3.V3, v3.FEED_FORWARD),
        ("sizes and minibatches", v3.FEED_FORWARD, v3.TUNE2),
        ("trim trap off", v3.TRIM_FIXED, v3.V3),
    )
    for changed, arm, versus in contrasts:
        if run is None or not {arm.name, versus.name} <= known:
            continue
        row: dict[str, Any] = {"changed": changed, "arm": arm.name, "versus": versus.name}
        for name, number in _CONTRASTED.items():
            row |= ends(name, compare_means(number(run, arm), number(run, versus)).difference)
        rows.append(row)
    return pd.DataFrame(rows)


def _arms(run: RunNumbers | None) -> list[Arm]:
    """Those that were run, in the declared order."""
    known = set() if run is None else set(run.ds["arm"].values)
    return [arm for arm in v3.EXPERIMENT.arms if arm.name in known]


def _last_step(run: RunNumbers) -> int:
    """The last step that all arms reached, of those that were declared."""
    return min(int(run.ds["env_steps"].values[-1]), v3.END)


def _level(run: RunNumbers, arm: Arm, step: int) -> Floats:
    return run.per_seed(Criterion(arm=arm.name, metric="buy_pct", step=step), "exact", arm.name)


def _at_end(run: RunNumbers, arm: Arm) -> Floats:
    return _level(run.for_arms([arm.name]), arm, v3.END)


_CONTRASTED: dict[str, Callable[[RunNumbers, Arm], Floats]] = {
    "depth": lambda run, arm: run.per_seed(v3.depth(arm), "exact", arm.name),
    "share_lost": lambda run, arm: 100 * run.per_seed(v3.depth(arm), "exact", arm.name) / _level(run, arm, 0),
    "at_last_step": lambda run, arm: _level(run, arm, _last_step(run)),
    "at_end": _at_end,
}


def decisions(market: Market) -> pd.DataFrame:
    """What is done while flat, percent of the decisions in each window: HOLD, buys, and what is illegal there."""
    ds = everything(market)
    if ds is None:
        return pd.DataFrame()
    counts = ds["flat_count"].sum("setup_score").transpose("arm", "seed", "checkpoint", "action").values
    cumulative, steps = counts.cumsum(axis=2), ds["env_steps"].values
    rows = []
    for start, end in pairwise(WINDOWS):
        if not {start, end} <= set(steps.tolist()):
            continue
        first, last = np.searchsorted(steps, [start, end])
        within = cumulative[:, :, last] - cumulative[:, :, first]
        percent = 100 * within / within.sum(axis=-1, keepdims=True)
        for arm, by_seed in zip(ds["arm"].values, percent, strict=True):
            row: dict[str, Any] = {"arm": str(arm), "to_step": end}
            row |= ends("hold_pct", mean_interval(by_seed[:, ACTIONS.index("HOLD")]))
            row |= ends("buy_pct", mean_interval(by_seed[:, 1:3].sum(axis=-1)))
            row |= ends("illegal_pct", mean_interval(by_seed[:, _ILLEGAL].sum(axis=-1)))
            rows.append(row)
    return pd.DataFrame(rows)


def declared(market: Market) -> pd.DataFrame:
    """What was claimed before the first run, judged; all claims share the level of 5 % by Holm's method."""
    return designed_claims.step_down_verdicts(market, NAMES)
