"""Dips found where there is none, and found where there is one: the noise test on simulated and on recorded counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.design_effect import binomial_sigma, design_effect
from momentum_jax.analysis.dips.noise import draw_noise, judge_against_null
from momentum_jax.analysis.dips.noise_table import noise_table
from momentum_jax.analysis.pages.condensed import read_condensed
from momentum_jax.env.momentum_diagnostics import EARLY

Floats = npt.NDArray[np.float64]
STEPS = np.concatenate([np.arange(0, 21_000, 1_000), [22_000, 25_000, 32_000, 40_000, 50_000, 63_000, 80_000, 100_000]])
RATES = {
    "flat": lambda ends: np.full(len(ends), 0.5),
    "rising": lambda ends: np.linspace(0.45, 0.95, len(ends)),
    "late rise": lambda ends: np.where(ends > 25_000, 0.8, 0.5),
}
# Chance that a decision repeats the last one, by windows' ends.
STICKINESS: dict[str, Callable[[Floats], Floats]] = {
    "0": lambda ends: np.zeros(len(ends)),
    "0.6": lambda ends: np.full(len(ends), 0.6),
    "0.8 in the first third": lambda ends: np.where(np.arange(len(ends)) < len(ends) // 3, 0.8, 0.0),
    "0.9 from 5 000 to 10 000": lambda ends: np.where((ends > 5_000) & (ends <= 10_000), 0.9, 0.0),
    "0.9 after the horizon": lambda ends: np.where(ends > 25_000, 0.9, 0.0),
}
SPY = Path(__file__).parents[1] / "docs/studies/early_dip/data/spy/reproduction.npz"


def false_dips(kind: str, num_seeds: int, stickiness: str = "0", study_seeds: int = 64, seed: int = 0) -> float:
    """Share of seeds in which a dip is found where there is none, percent.

    Args:
        kind: one of `RATES`, the true BUY rate.
        num_seeds: seeds simulated, each with counts as a run has them.
        stickiness: one of `STICKINESS`; the design effect is estimated from the counts of each study.
        study_seeds: seeds of one study.
        seed: of the simulation.
    """
    rng = np.random.default_rng(seed)
    found = [_one_study(rng, kind, stickiness, study_seeds) for _ in range(-(-num_seeds // study_seeds))]
    return 100 * float(np.mean(found))


def _one_study(rng: np.random.Generator, kind: str, stickiness: str, study_seeds: int) -> float:
    ends, totals = STEPS[1:], np.minimum(np.diff(STEPS) // 4, 1_000)
    windows = zip(totals, RATES[kind](ends), STICKINESS[stickiness](ends), strict=True)
    buys = np.stack([_sticky_counts(rng, study_seeds, int(n), rate, repeat) for n, rate, repeat in windows], axis=1)
    number = np.broadcast_to(totals, buys.shape).astype(float)
    estimate = design_effect(ends, buys, number, EARLY.horizon)
    noise = draw_noise(len(ends), estimate.freedom, estimate.block, 1_000, int(rng.integers(2**31)))
    sigma = binomial_sigma(buys, number, estimate.effect)
    return float(judge_against_null(ends, 100 * buys / number, sigma, noise, EARLY.horizon).exists.mean())


def _sticky_counts(rng: np.random.Generator, num_seeds: int, total: int, share: float, stickiness: float) -> Floats:
    """Counts of a chain that repeats its last decision with probability `stickiness`, else decides anew."""
    fresh = rng.random((num_seeds, total)) < share
    repeats = rng.random((num_seeds, total)) < stickiness
    repeats[:, 0] = False
    source = np.maximum.accumulate(np.where(repeats, 0, np.arange(total)), axis=1)
    return np.take_along_axis(fresh, source, axis=1).sum(axis=1).astype(float)


def dips_found_on_spy() -> float:
    """Share of tune2's seeds on SPY whose windowed HOLD rises from step 5 000 by more than noise makes, percent."""
    table = noise_table(read_condensed(SPY).sel(arm=["tune2"]))
    row = table[(table["metric"] == "windowed HOLD %") & (table["baseline"] == 5_000)].iloc[0]
    return 100 * float(row["exceed"] / row["seeds"])
