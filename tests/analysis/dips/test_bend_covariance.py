"""Covariances of bends against the whole matrices."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.dips.bend_covariance import (
    bend_weights,
    covariance_at,
    lost_freedom,
    neighbours_correlation,
)

CHECKPOINTS = 30


@pytest.fixture(scope="module")
def weights():
    steps = np.cumsum(np.random.default_rng(0).uniform(1, 5, CHECKPOINTS))
    return bend_weights((steps[2:] - steps[1:-1]) / (steps[2:] - steps[:-2]))


def dense(weights, correlation):
    bends = np.zeros((CHECKPOINTS - 2, CHECKPOINTS))
    for row, three in enumerate(weights):
        bends[row, row : row + 3] = three
    places = np.arange(CHECKPOINTS)
    return bends @ correlation ** np.abs(places[:, None] - places).astype(float) @ bends.T


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.99])
def test_covariances_are_those_of_the_whole_matrix(weights, correlation):
    whole = dense(weights, correlation)
    for lag in (0, 1, 2, 5):
        np.testing.assert_allclose(covariance_at(weights, correlation, lag), np.diagonal(whole, lag), atol=1e-12)
    assert neighbours_correlation(weights, correlation) == pytest.approx(
        np.diagonal(whole, 1).mean() / whole.diagonal().mean()
    )
    assert lost_freedom(weights, correlation) == pytest.approx(len(whole) * (whole**2).sum() / whole.trace() ** 2)


def test_bends_of_independent_errors_have_their_variance_and_lie_on_no_line(weights):
    np.testing.assert_allclose(covariance_at(weights, 0.0, 0), 1)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)
