"""Alignment and the policy/visit split."""

from __future__ import annotations

import numpy as np

from momentum_jax.analysis.metrics.curves import derive_curves
from momentum_jax.analysis.metrics.measures import aligned, policy_visit_split
from momentum_jax.run_directory import load_run


def test_alignment_interpolates_from_each_onset_and_leaves_seeds_without_one_out():
    curves = np.array([[0.0, 10, 20], [5, 5, 5], [0, 100, np.nan]])
    rows = aligned([0, 10, 20], curves, [5, np.nan, 0], [-10, 0, 5, 20])
    np.testing.assert_allclose(rows, [[np.nan, 5, 10, np.nan], [np.nan, 0, 50, np.nan]])
    assert aligned([0, 10], np.ones((2, 2)), [np.nan, np.nan], [0, 1]).shape == (0, 2)


def test_policy_and_visit_parts_add_up_to_the_change(simulate):
    ds = load_run(simulate(arms=("a",), num_seeds=3, failed={(0, 1): 15_000}))
    policy, visit = policy_visit_split(ds)
    hold = derive_curves(ds)["hold_pct"].transpose("arm", "seed", "checkpoint").values
    np.testing.assert_allclose(policy + visit, np.diff(hold, axis=-1), atol=1e-9)
    assert np.nanmax(np.abs(policy)) > 5 * np.nanmax(np.abs(visit))
