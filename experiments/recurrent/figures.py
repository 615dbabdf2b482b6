"""The figures of the study, a function each, from one market's condensed runs; None where a part is missing."""

from __future__ import annotations

from matplotlib.figure import Figure

from momentum_jax.analysis.pages.blocks.page_figures import seed_curves
from momentum_jax.analysis.pages.study_market import Market

from .. import v3
from . import tables

_CURVES = {"p_buy": "exact P(BUY) %", "p_hold": "exact P(HOLD) %"}
_ARMS = {
    v3.V3.name: "v3",
    v3.FEED_FORWARD.name: "without memory",
    v3.TRIM_FIXED.name: "trim trap off",
    v3.MASKED.name: "v3, masked",
    v3.FEED_FORWARD_MASKED.name: "masked, no memory",
}


def curves(market: Market) -> Figure | None:
    """Every seed's P(BUY | flat) and P(HOLD | flat) with and without memory, mask and trim trap."""
    return seed_curves(tables.everything(market), _ARMS, _CURVES, f"{market.name}: memory and mask, each on and off")
