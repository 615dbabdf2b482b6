"""How the bends of a curve vary together where its errors are a first-order autoregression over checkpoints.

A bend is a value less the line between its neighbours, so that bends have three weights each, and what they have in
common can be written down lag by lag.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NEGLIGIBLE = 1e-9  # correlation of errors so far apart that their bends have nothing in common


def bend_weights(before: Floats) -> Floats:
    """``[K - 2, 3]`` of the three values of a bend; bends of independent errors of variance 1 have variance 1.

    Args:
        before: ``[K - 2]`` weight of the value before in the line between the neighbours.
    """
    weights = np.stack([-before, np.ones_like(before), before - 1], axis=1)
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)))


def covariance_at(weights: Floats, correlation: float, lag: int) -> Floats:
    """Covariance ``[K - 2 - lag]`` of bends so many checkpoints apart.

    Args:
        weights: as `bend_weights` gives them.
        correlation: of neighbouring errors, of variance 1.
        lag: 0 for the bends' variance.
    """
    place = np.arange(3)
    between = correlation ** np.abs(place[:, None] - place - lag, dtype=np.float64)
    return np.asarray(np.einsum("ia,ab,ib->i", weights[: len(weights) - lag], between, weights[lag:]))


def neighbours_correlation(weights: Floats, correlation: float) -> float:
    """Correlation of neighbouring bends."""
    return float(covariance_at(weights, correlation, 1).mean() / covariance_at(weights, correlation, 0).mean())


def lost_freedom(weights: Floats, correlation: float) -> float:
    """Squares of bends for one independent square: that many hold as much about the errors' variance as one does."""
    variance = covariance_at(weights, correlation, 0)
    squares, lag = (variance**2).sum(), 1
    while lag < len(weights) and (lag <= 2 or correlation ** (lag - 2) > _NEGLIGIBLE):
        squares += 2 * (covariance_at(weights, correlation, lag) ** 2).sum()
        lag += 1
    return float(len(weights) * squares / variance.sum() ** 2)
