"""Intervals of a mean depth where few seeds dip, and claims that such a depth is small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.claims.claim_intervals import depth_interval
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.verdict import supports

Floats = npt.NDArray[np.float64]

DEPTH = 20.0  # of a seed that dips, points
WIGGLE = 0.2  # the others' largest drawdown is at most that


def studies(num_seeds: int, prevalence: float, wiggle: float, repetitions: int, seed: int = 0) -> Iterator[Floats]:
    """Depths ``[seed]`` of one study after the other: few seeds dip, the others wiggle, or do not move at all."""
    rng = np.random.default_rng(seed)
    for _ in range(repetitions):
        others = rng.uniform(0, wiggle, num_seeds)
        yield np.where(rng.random(num_seeds) < prevalence, DEPTH, others)


def wrongly_supported(
    num_seeds: int, repetitions: int, prevalence: float = 0.05, wiggle: float = 0.0, confidence: float = 0.95
) -> float:
    """Share of studies that support a mean depth of at most half the true one, percent."""
    limit = 0.5 * (prevalence * DEPTH + (1 - prevalence) * wiggle / 2)
    found = 0
    for depths in studies(num_seeds, prevalence, wiggle, repetitions):
        interval, seeds = depth_interval(depths, confidence=confidence)
        found += supports(interval, seeds, maximum=limit)
    return 100 * found / repetitions


def depth_coverage(method: str, num_seeds: int, prevalence: float, repetitions: int) -> float:
    """Coverage of the mean depth by the interval of tables (``BCa``) or of claims (``claims``), percent."""
    truth = prevalence * DEPTH + (1 - prevalence) * WIGGLE / 2
    covered = 0
    for depths in studies(num_seeds, prevalence, WIGGLE, repetitions):
        interval = mean_interval(depths) if method == "BCa" else depth_interval(depths)[0]
        covered += interval.low <= truth <= interval.high
    return 100 * covered / repetitions
