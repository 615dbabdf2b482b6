"""Seconds and memory of the full statistics at scale: 1 000 seeds, 100 checkpoints, 12 metrics.

python -m benchmarks.analysis_speed
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from absl import app, flags

from benchmarks import results
from momentum_jax.analysis.dips import find_dips
from momentum_jax.analysis.inference.bands import quantile_bands, simultaneous_band
from momentum_jax.analysis.inference.paired import compare_means, compare_shares
from momentum_jax.analysis.inference.recovery import recovery_sensitivity
from momentum_jax.analysis.inference.resampling import resample_counts
from momentum_jax.analysis.intervals import mean_interval, wilson_interval

_SEEDS = flags.DEFINE_integer("seeds", 1_000, "seeds")
_CHECKPOINTS = flags.DEFINE_integer("checkpoints", 100, "checkpoints")
_METRICS = flags.DEFINE_integer("metrics", 12, "metrics")

MEAN_DRAWS, TRIMMED_DRAWS = 10_000, 2_000
MAX_SECONDS, MAX_GIB = 15.0, 2.0


def simulate(seeds: int, metrics: int, checkpoints: int) -> np.ndarray:
    """Curves [seed, metric, checkpoint] in percent, random walks around a dip."""
    rng = np.random.default_rng(0)
    dip = 15 * np.exp(-(((np.arange(checkpoints) - 0.2 * checkpoints) / (0.08 * checkpoints)) ** 2))
    walk = rng.normal(0, 1.0, (seeds, metrics, checkpoints)).cumsum(axis=-1)
    return 50 - rng.gamma(4, 0.25, (seeds, metrics, 1)) * dip + walk


def measure(curves: np.ndarray, env_steps: np.ndarray) -> pd.DataFrame:
    """Seconds of each part of the statistics."""
    num_seeds = len(curves)
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start
        return result

    counts = timed(f"count matrix, {MEAN_DRAWS:,} draws", lambda: resample_counts(num_seeds, MEAN_DRAWS))
    timed("quantile bands", lambda: quantile_bands(curves))
    timed(f"means with bands, {MEAN_DRAWS:,} draws", lambda: simultaneous_band(curves, "mean", counts=counts))
    fewer = counts[:TRIMMED_DRAWS]
    timed(f"medians with bands, {TRIMMED_DRAWS:,} draws", lambda: simultaneous_band(curves, "median", counts=fewer))
    timed(f"IQM with bands, {TRIMMED_DRAWS:,} draws", lambda: simultaneous_band(curves, "iqm", counts=fewer))
    dips = timed("dips", lambda: find_dips(env_steps, curves, 1))
    half = num_seeds // 2
    for metric in range(curves.shape[1]):
        has, depth = dips.has_dip[:, metric], dips.depth[:, metric]
        timed("Wilson", lambda has=has: wilson_interval(int(has.sum()), num_seeds))
        timed("BCa of depth", lambda depth=depth: mean_interval(depth))
        size = np.where(has, depth, 0.0)
        timed("paired tests", lambda size=size: compare_means(size[:half], size[half : 2 * half]))
        timed("paired tests", lambda has=has: compare_shares(has[:half], has[half : 2 * half]))
        onset, recovery = dips.onset_step[has, metric], dips.recovery_step[has, metric]
        timed("recovery", lambda onset=onset, end=recovery: recovery_sensitivity(env_steps, onset, end, env_steps[-1]))
    return pd.DataFrame({"part": list(seconds), "seconds": list(seconds.values())})


def main(argv: list[str]) -> None:
    del argv
    curves = simulate(_SEEDS.value, _METRICS.value, _CHECKPOINTS.value)
    table = measure(curves, 1_000.0 * np.arange(_CHECKPOINTS.value))
    total = float(table["seconds"].sum())
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(f"\n{curves.shape} [seed, metric, checkpoint]: {total:.1f} s (wanted < {MAX_SECONDS:g}), ", end="")
    print(f"peak memory {peak_gib:.2f} GiB (wanted < {MAX_GIB:g})")
    result = {"shape": list(curves.shape), "seconds": total, "peak_gib": peak_gib, "parts": table.to_dict("records")}
    print("written:", results.write("analysis_speed", result))


if __name__ == "__main__":
    app.run(main)
