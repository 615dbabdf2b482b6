"""The bars that all benchmarks play on: those of the recorded reference curves, or made-up ones where they are absent.

SPY, one-minute bars, 2024-02-20 to 2024-03-20, regular sessions: 8 580 bars.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from absl import flags

from momentum_jax.market.dataset import load_segment
from momentum_jax.market.features import Features, compute_features
from momentum_jax.market.market_options import MarketConfig

DATA = flags.DEFINE_string(
    "data", "../shared/data", "folder of spy_1min_2024.csv and vix_daily.csv; synthetic bars where it is absent"
)


def market_config() -> MarketConfig:
    """Where the bars come from; the embedded synthetic market where the files are absent."""
    bars = Path(DATA.value) / "spy_1min_2024.csv"
    if not bars.exists():
        return MarketConfig()
    return MarketConfig(
        data_source="csv",
        data_path=str(bars),
        vix_path=str(bars.with_name("vix_daily.csv")),
        start_date="2024-02-20",
        end_date="2024-03-20",
        symbols=("SPY",),
    )


def launch_flags() -> list[str]:
    """The same bars as flags of launch.py."""
    config = market_config()
    changed = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != field.default
    }
    return [f"--{name}={','.join(value) if isinstance(value, tuple) else value}" for name, value in changed.items()]


def features() -> Features:
    """The bars' tables in float64, without JAX."""
    segment = load_segment(market_config())
    return compute_features(
        segment.bars, segment.bar_time_ns, segment.vix_date_ns, segment.vix_close, segment.vix_timing
    )


def describe() -> str:
    """A line for tables and JSON."""
    facts = load_segment(market_config()).describe()
    return f"{facts['symbol']} {facts['regime']}, {facts['bars']:,} bars, {facts['first']} to {facts['last']}"
