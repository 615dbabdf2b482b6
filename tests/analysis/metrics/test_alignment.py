"""Curves aligned on each seed's onset."""

from __future__ import annotations

import numpy as np

from momentum_jax.analysis.metrics.alignment import aligned


def test_alignment_interpolates_from_each_onset_and_leaves_seeds_without_one_out():
    curves = np.array([[0.0, 10, 20], [5, 5, 5], [0, 100, np.nan]])
    rows = aligned([0, 10, 20], curves, [5, np.nan, 0], [-10, 0, 5, 20])
    np.testing.assert_allclose(rows, [[np.nan, 5, 10, np.nan], [np.nan, 0, 50, np.nan]])
    assert aligned([0, 10], np.ones((2, 2)), [np.nan, np.nan], [0, 1]).shape == (0, 2)
