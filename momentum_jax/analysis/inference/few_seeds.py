"""The one rule for few seeds: below six there is no verdict and no interval, wherever a result is read.

A sign-flip test of five pairs cannot reach 5 %, and a bootstrap interval of two values is these two values. Numbers
are still given; what decides, and what looks as if it did, is not.
"""

from __future__ import annotations

MIN_SEEDS = 6
NO_VERDICT = f"no verdict below {MIN_SEEDS} seeds"


def enough(seeds: float) -> bool:
    """Whether so many seeds (or pairs of seeds) may have an interval and a verdict."""
    return seeds >= MIN_SEEDS
