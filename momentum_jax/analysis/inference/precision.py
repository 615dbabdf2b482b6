"""How many seeds bring an estimate's interval down to a margin, if new seeds are like those that were seen."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.mean_power import MAX_SEEDS


def seeds_for_share_within(share: float, margin: float, confidence: float = CONFIDENCE) -> int | None:
    """Fewest seeds whose Wilson interval reaches at most `margin` from its middle, fractions; None above 4 096."""
    z = float(stats.norm.isf((1 - confidence) / 2))
    number = np.arange(MIN_SEEDS, MAX_SEEDS + 1)
    half = z * np.sqrt(share * (1 - share) / number + (z / (2 * number)) ** 2) / (1 + z**2 / number)
    return _first(half <= margin)


def seeds_for_mean_within(spread: float, margin: float, confidence: float = CONFIDENCE) -> int | None:
    """Fewest seeds whose t interval of a mean reaches at most `margin` from it; None above 4 096.

    Args:
        spread: standard deviation over seeds.
        margin: in the same unit.
        confidence: of the interval.
    """
    number = np.arange(MIN_SEEDS, MAX_SEEDS + 1)
    half = stats.t.isf((1 - confidence) / 2, number - 1) * spread / np.sqrt(number)
    return _first(half <= margin * (1 + 1e-12) if math.isfinite(margin) else half < 0)


def _first(enough: np.ndarray) -> int | None:
    return int(enough.argmax()) + MIN_SEEDS if enough.any() else None
