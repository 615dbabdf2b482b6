"""The market that the speed of training is measured on."""

from __future__ import annotations

from pathlib import Path

from momentum_jax.env.market import Market
from momentum_jax.env.momentum import make_params
from momentum_jax.market.dataset import load_segment
from momentum_jax.market.options import MarketConfig


def reference_market(folder: str) -> Market:
    """The bars of the reference run where they are, else the embedded synthetic market."""
    bars = Path(folder) / "spy_1min_2024.csv"
    if not bars.exists():
        return make_params(load_segment(MarketConfig())).market
    config = MarketConfig(
        data_source="csv",
        data_path=str(bars),
        vix_path=str(bars.with_name("vix_daily.csv")),
        start_date="2024-02-20",
        end_date="2024-03-20",
        symbols=("SPY",),
    )
    return make_params(load_segment(config)).market
