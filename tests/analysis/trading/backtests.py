"""Made-up backtests."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.run_directory.backtest_names import DIMS, POLICIES, VARIABLES


def make_backtest(num_seeds=8, num_days=24, arms=("tune2",), symbols=("SPY",), pnl=None, edge=0.0, seed=0):
    """Sessions whose policies earn `edge` dollars a day on average, with effects of seed and of day."""
    rng = np.random.default_rng(seed)
    shape = (len(arms), num_seeds, num_days, len(POLICIES), len(symbols))
    values = {name: rng.poisson(4, shape).astype(np.float32) for name in VARIABLES}
    effects = rng.normal(0, 20, shape[:2])[:, :, None, None, None] + rng.normal(0, 30, (1, 1, num_days, 1, 1))
    values["pnl"] = (edge + effects + rng.normal(0, 20, shape)).astype(np.float32)
    values["pnl"][..., POLICIES.index("hold"), :] = 0
    for place in range(3, len(POLICIES)):  # all baselines but HOLD: the same in every arm
        values["pnl"][:, :, :, place] = rng.normal(0, 30, (1, 1, num_days, 1))
    values["trades"] = values["wins"] + rng.poisson(4, shape)
    values["gross_gain"], values["gross_loss"] = 100 + np.maximum(values["pnl"], 0), 100 - np.minimum(values["pnl"], 0)
    values["worst_trade"] = -rng.uniform(0.01, 0.14, shape)
    values["best_trade"] = rng.uniform(0.01, 0.3, shape)
    values["time_in_market"] = rng.uniform(0, 1, shape)
    if pnl is not None:
        values["pnl"][:, :, :, 0, 0] = pnl
    coords = {
        "arm": list(arms),
        "seed": np.arange(num_seeds),
        "day": pd.bdate_range("2024-03-01", periods=num_days).values.astype("datetime64[ns]"),
        "policy": list(POLICIES),
        "symbol": list(symbols),
        "regime": (("day", "symbol"), np.full((num_days, len(symbols)), "calm")),
        "bars": (("day", "symbol"), np.full((num_days, len(symbols)), 390)),
    }
    attrs = {
        "format": "momentum_jax.backtest/1",
        "run_name": "made_up",
        "data_part": "test",
        "data_source": "synthetic",
        "data_fingerprint": "0" * 64,
        "training_first": "2024-01-02",
        "training_last": "2024-02-09",
        "training_days": 28,
        "training_days_judged": 0,
        "sessions_too_short": 0,
        "checkpoints_looked_at": 1,
        "config": json.dumps({"arms": [{"name": arm} for arm in arms]}),
        "hold_bars": json.dumps({arm: [20, 30] for arm in arms}),
    }
    return xr.Dataset({name: (DIMS, array) for name, array in values.items()}, coords, attrs)
