"""Two years of minutes of three symbols become one market in bounded time and memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.sessions import close_minutes

SYMBOLS = ("SPY", "QQQ", "SPX")
# A process of its own: the peak of this one would count what other tests held.
BUILD = """
import json, sys, time
from momentum_jax.processes import backend_startup
backend_startup.start()
from momentum_jax.env.momentum import make_market
from momentum_jax.market.dataset import load_dataset
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.processes.machine import peak_memory
began = time.perf_counter()
folder = sys.argv[1]
config = MarketConfig(data_source="parquet", data_path=folder, vix_path=folder + "/vix.csv", segments="balanced")
segments = load_dataset(config).segments
market = make_market(segments, "balanced")
market.windows.block_until_ready()
print(json.dumps([time.perf_counter() - began, peak_memory() / 1e9, len(segments), sum(len(s.bars) for s in segments)]))
"""


def write_two_years(folder: Path) -> int:
    """Random walks of every session of 2022 and 2023; returns the number of bars."""
    closes = close_minutes(pd.Timestamp("2022-01-03"), pd.Timestamp("2023-12-29"))
    days = [day.to_datetime64() + np.arange(570, close).astype("timedelta64[m]") for day, close in closes.items()]
    stamps = pd.DatetimeIndex(np.concatenate(days))
    rng = np.random.default_rng(0)
    for symbol in SYMBOLS:
        returns = rng.normal(0, 2e-4, len(stamps))
        close = 400 * np.exp(np.cumsum(returns))
        opens = close * np.exp(-returns)
        values = {
            "open": opens,
            "high": np.maximum(opens, close) * 1.0001,
            "low": np.minimum(opens, close) * 0.9999,
            "close": close,
            "volume": rng.integers(1000, 9999, len(stamps)),
        }
        pd.DataFrame({"datetime": stamps} | values).to_parquet(folder / f"{symbol}.parquet")
    vix = pd.DataFrame({"date": closes.index, "close": np.exp(rng.normal(3, 0.35, len(closes)))})
    vix.to_csv(folder / "vix.csv", index=False)
    return len(SYMBOLS) * len(stamps)


@pytest.mark.slow
def test_three_symbols_and_two_years_fit(tmp_path):
    bars = write_two_years(tmp_path)
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    seconds, peak_gb, num_segments, num_bars = json.loads(done.stdout.splitlines()[-1])
    assert (num_segments, num_bars) == (12, bars) and bars > 580_000
    assert seconds < 60 and peak_gb < 2.5, (seconds, peak_gb)
