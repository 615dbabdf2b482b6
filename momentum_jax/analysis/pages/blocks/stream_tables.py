"""With which random stream the depth varies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.variance import stream_shares
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market


def shares_by_stream(market: Market, parts: Sequence[str]) -> pd.DataFrame:
    """Shares of the variance of depth by random stream; first-order and total, for each pick-freeze design.

    Args:
        market: the parts.
        parts: those of the designs: arms that are alike but for `redrawn_streams`, which are none in one arm, all in
            another and one in each other.
    """
    rows: list[dict[str, Any]] = []
    for part in (part for part in parts if part in market.parts):
        redrawn = {arm["name"]: tuple(arm["redrawn_streams"]) for arm in market.arms(part)}
        every = max(redrawn.values(), key=len)
        depth = {redrawn[o.arm]: o.depth for o in market.outcomes if o.part == part}
        single = [stream for stream in every if (stream,) in depth]
        shares = stream_shares(depth[()], depth[every], np.stack([depth[(stream,)] for stream in single]))
        for stream, share in zip(single, shares, strict=True):
            row: dict[str, Any] = {"part": part, "stream": stream, "pairs": share.pairs}
            rows.append(row | ends("first", share.first) | ends("total", share.total) | {"flag": share.flags})
    return pd.DataFrame(rows)
