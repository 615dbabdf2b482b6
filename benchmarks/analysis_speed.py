"""Seconds and memory of all the statistics that a report shows, at scale: 10 000 seeds, 100 checkpoints.

    python -m benchmarks.analysis_speed

Three metrics, as a report has; half of the seeds stand for a second arm. Seconds are those on the clock and, since
machines are shared, those of the processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from absl import app, flags

from benchmarks import results
from momentum_jax.analysis.claims.claim_intervals import depth_interval
from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.design_effect import binomial_sigma, design_effect
from momentum_jax.analysis.dips.dips import find_dips
from momentum_jax.analysis.dips.drawdowns import largest_drawdown
from momentum_jax.analysis.dips.excursions import find_excursions
from momentum_jax.analysis.dips.noise import draw_noise, judge_against_null
from momentum_jax.analysis.inference.bands import quantile_bands, simultaneous_band
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.inference.paired import compare_means, compare_shares
from momentum_jax.analysis.inference.predictors import predict, predict_alone
from momentum_jax.analysis.inference.recovery import recovery_sensitivity
from momentum_jax.analysis.inference.variance import stream_shares
from momentum_jax.env.momentum_diagnostics import EARLY
from momentum_jax.processes.machine import peak_memory

_SEEDS = flags.DEFINE_integer("seeds", 10_000, "seeds")
_CHECKPOINTS = flags.DEFINE_integer("checkpoints", 100, "checkpoints")
_METRICS = flags.DEFINE_integer("metrics", 3, "metrics")

MAX_SECONDS, MAX_GIB = 60.0, 2.0
DECISIONS, STREAMS, FEATURES = 250, 5, 9


def simulate(seeds: int, metrics: int, checkpoints: int) -> np.ndarray:
    """Curves [seed, metric, checkpoint] in percent, random walks around a dip."""
    rng = np.random.default_rng(0)
    dip = 15 * np.exp(-(((np.arange(checkpoints) - 0.2 * checkpoints) / (0.08 * checkpoints)) ** 2))
    walk = rng.normal(0, 1.0, (seeds, metrics, checkpoints)).cumsum(axis=-1)
    return np.clip(50 - rng.gamma(4, 0.25, (seeds, metrics, 1)) * dip + walk, 0, 100)


class Stopwatch:
    """Adds up the seconds of named parts, and keeps the peak memory after each."""

    def __init__(self) -> None:
        self.parts: dict[str, list[float]] = {}

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        clock, processor = time.perf_counter(), time.process_time()
        result = work()
        spent = self.parts.setdefault(name, [0.0, 0.0, 0.0])
        spent[0] += time.perf_counter() - clock
        spent[1] += time.process_time() - processor
        spent[2] = peak_gib()
        return result

    def table(self) -> pd.DataFrame:
        """One row per part."""
        rows = [(name, *spent) for name, spent in self.parts.items()]
        return pd.DataFrame(rows, columns=["part", "seconds", "cpu_seconds", "peak_gib"])


def peak_gib() -> float:
    """Largest memory of this process so far."""
    return peak_memory() / 2**30


def measure(curves: np.ndarray, env_steps: np.ndarray) -> pd.DataFrame:
    """Seconds and memory of each part of the statistics."""
    timed = Stopwatch()
    for values in curves.swapaxes(0, 1):
        timed("quantile bands", lambda values=values: quantile_bands(values))
        for centre in ("mean", "median", "iqm"):
            timed(f"{centre} with band", lambda values=values, centre=centre: simultaneous_band(values, centre))
        for baseline in EARLY.baselines:
            _dips(timed, values, env_steps, baseline)
    for _ in range(2):
        _noise(timed, len(curves), env_steps)
    _prediction(timed, curves[:, 0], env_steps)
    _streams(timed, len(curves))
    return timed.table()


def _dips(timed: Stopwatch, values: np.ndarray, env_steps: np.ndarray, baseline: float) -> None:
    half, options = len(values) // 2, DipOptions(horizon=EARLY.horizon, baseline_step=baseline)
    dips = timed("dips", lambda: find_dips(env_steps, values, 1, options))
    timed("excursions", lambda: find_excursions(env_steps, values, 1, options))
    has, depth = dips.has_dip, dips.depth
    timed("Wilson", lambda: wilson_interval(int(has.sum()), len(has)))
    timed("BCa of a mean", lambda: mean_interval(depth))
    timed("interval of a claimed depth", lambda: depth_interval(depth))
    timed("paired tests", lambda: compare_means(depth[:half], depth[half : 2 * half]))
    timed("paired tests", lambda: compare_shares(has[:half], has[half : 2 * half]))
    onset, end = dips.onset_step[has], dips.recovery_step[has]
    timed("recovery", lambda: recovery_sensitivity(env_steps, onset, end, env_steps[-1]))


def _noise(timed: Stopwatch, num_seeds: int, env_steps: np.ndarray) -> None:
    ends = env_steps[1:]
    totals = np.full((num_seeds, len(ends)), float(DECISIONS))
    counts = np.random.default_rng(1).binomial(DECISIONS, 0.5, totals.shape).astype(float)
    effect = timed("design effect", lambda: design_effect(ends, counts, totals, EARLY.horizon))
    sigma = binomial_sigma(counts, totals, effect.effect)
    noise = draw_noise(len(ends), effect.freedom, effect.block)
    for baseline in EARLY.baselines:
        share = 100 * counts / totals
        limits = (EARLY.horizon, baseline)
        timed("noise test", lambda b=limits, u=share: judge_against_null(ends, u, sigma, noise, *b))


def _prediction(timed: Stopwatch, values: np.ndarray, env_steps: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    for landmark in EARLY.prediction:
        outcome = largest_drawdown(env_steps, values, 1, EARLY.horizon, landmark).depth
        features = rng.normal(size=(len(values), FEATURES))
        features[:, 0] += outcome
        timed("prediction", lambda x=features, y=outcome: predict(x, y))
        if landmark == EARLY.prediction[-1]:
            timed("predictors one by one", lambda x=features, y=outcome: predict_alone(x, y))


def _streams(timed: Stopwatch, num_pairs: int) -> None:
    parts = np.random.default_rng(3).normal(size=(2, STREAMS, num_pairs))
    mixed = [np.where(np.arange(STREAMS)[:, None] == i, parts[1], parts[0]).sum(axis=0) for i in range(STREAMS)]
    a, b = parts.sum(axis=1)
    timed("pick-freeze shares", lambda: stream_shares(a, b, np.stack(mixed)))


def main(argv: list[str]) -> None:
    del argv
    curves = simulate(_SEEDS.value, _METRICS.value, _CHECKPOINTS.value)
    table = measure(curves, 1_000.0 * np.arange(_CHECKPOINTS.value))
    total, processor = float(table["seconds"].sum()), float(table["cpu_seconds"].sum())
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(
        f"\n{curves.shape} [seed, metric, checkpoint]: {total:.1f} s on the clock, {processor:.1f} s of the processor"
    )
    print(f"(wanted < {MAX_SECONDS:g}), peak memory {peak_gib():.2f} GiB (wanted < {MAX_GIB:g})")
    result = {"shape": list(curves.shape), "seconds": total, "cpu_seconds": processor, "peak_gib": peak_gib()}
    print("written:", results.write("analysis_speed", result | {"parts": table.to_dict("records")}))


if __name__ == "__main__":
    app.run(main)
