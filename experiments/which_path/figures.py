"""The figures of the study's page, a function each, from one market's condensed runs."""

from __future__ import annotations

from matplotlib.figure import Figure

from momentum_jax.analysis.pages.study_market import Market

from . import tables
from .graph import draw


def graph(market: Market) -> Figure | None:
    """The chain from a purchase to P(HOLD | flat), and what is left of the dip without each link."""
    return draw(tables.declared(market), f"{market.name}: what is left of the dip without each link")
