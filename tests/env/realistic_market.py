"""A small market for the preset `realistic`: a whole session, a half day and one that breaks off."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.market.segment import Segment
from tests.markets import make_segment

DAYS = ("2024-11-27", "2024-11-29", "2024-12-02")
LENGTHS = (390, 210, 60)
CLOSES = (16 * 60, 13 * 60, 16 * 60)  # minutes of the day
VIX_DAYS = ("2024-11-25", "2024-11-26", "2024-11-27", "2024-11-29", "2024-12-02")
VIX = (14.0, 15.0, 19.0, 27.0, 33.0)
VIX_BEFORE = (15.0, 19.0, 27.0)  # of each of the days


def realistic(**changes: Any) -> EnvOptions:
    return EnvOptions(**{**PRESETS["realistic"], **changes})


def make_sessions(seed: int = 0) -> Segment:
    """Bars of the days, nine times as lively as those of `make_segment`, so that options move."""
    made = make_segment(sum(LENGTHS), seed)
    scale = 400.0 * (made.bars[:, :4] / 400.0) ** 3
    minute = 60 * 10**9
    starts = [np.datetime64(f"{day}T09:30", "ns").astype(np.int64) for day in DAYS]
    stamps = [start + np.arange(count) * minute for start, count in zip(starts, LENGTHS, strict=True)]
    return dataclasses.replace(
        made,
        bars=np.column_stack([np.round(scale, 2), made.bars[:, 4]]),
        bar_time_ns=np.concatenate(stamps),
        vix_date_ns=np.array(VIX_DAYS, "datetime64[ns]").astype(np.int64),
        vix_close=np.array(VIX),
        vix_timing="previous",
    )
