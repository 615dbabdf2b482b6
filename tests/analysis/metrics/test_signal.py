"""Skill against bias, policy against visits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.metrics.signal import from_counts, from_rates, sensitivity_curves, split_rate_change
from momentum_jax.run_directory import load_run

shares = st.floats(0.001, 0.999)


def test_known_values():
    found = from_rates(0.841344746, 0.5)
    assert (found.d_prime, found.criterion) == pytest.approx((1.0, -0.5), abs=1e-6)
    counted = from_counts(9, 9, 0, 9)
    assert counted.d_prime == pytest.approx(2 * 1.6449, abs=1e-3) and counted.criterion == pytest.approx(0)


@given(strong=shares, weak=shares)
def test_swapping_setups_turns_skill_and_keeps_bias(strong, weak):
    one, other = from_rates(strong, weak), from_rates(weak, strong)
    assert one.d_prime == pytest.approx(-other.d_prime) and one.criterion == pytest.approx(other.criterion)


def test_a_shift_of_the_criterion_is_no_loss_of_skill():
    before, after = from_rates(0.5, 0.4), from_rates(0.3, 0.15)
    assert after.criterion > before.criterion and after.d_prime > before.d_prime


def test_exact_rates_are_clipped_and_missing_counts_are_missing():
    assert from_rates(1.0, 0.0).d_prime == pytest.approx(2 * 3.719, abs=1e-3)
    assert np.isnan(from_counts(0, 0, 3, 9).d_prime) and np.isnan(from_counts(3, 9, 0, 0).criterion)


def test_curves_of_a_run(simulate):
    curves = sensitivity_curves(load_run(simulate(failed={(0, 1): 10_000})))
    assert (curves["d_prime_exact"].isel(arm=1) > 0).all()
    assert np.isnan(curves["d_prime"].isel(checkpoint=0)).all()
    assert np.isnan(curves["d_prime_exact"].isel(arm=0, seed=1, checkpoint=-1))


def test_policy_and_visit_parts_add_up_to_the_change(simulate):
    ds = load_run(simulate(arms=("a",), num_seeds=3, failed={(0, 1): 15_000}))
    parts = split_rate_change(ds)
    hold = derive_curves(ds)["hold_pct"].transpose("arm", "seed", "checkpoint").values
    np.testing.assert_allclose(parts.policy + parts.visits, np.diff(hold, axis=-1), atol=1e-9)
    assert np.nanmax(np.abs(parts.policy)) > 5 * np.nanmax(np.abs(parts.visits))


def test_other_visits_with_the_same_policy_are_no_change_of_policy(simulate):
    ds = load_run(simulate(steps=(0, 5_000, 10_000))).copy(deep=True)
    ds["flat_count"][...] = 0
    for checkpoint, low, high in ((1, 90, 10), (2, 10, 90)):
        ds["flat_count"][:, :, checkpoint, 0, :2] = [low, 0]  # holds always at score 0
        ds["flat_count"][:, :, checkpoint, 4, :2] = [0, high]  # and never at score 4
    parts = split_rate_change(ds)
    np.testing.assert_allclose(parts.policy[..., 1], 0, atol=1e-9)
    np.testing.assert_allclose(parts.visits[..., 1], -80)


def test_the_same_visits_with_another_policy_are_a_change_of_policy(simulate):
    ds = load_run(simulate(steps=(0, 5_000, 10_000))).copy(deep=True)
    ds["flat_count"][...] = 0
    ds["flat_count"][:, :, 1, 0, :2] = [30, 10]
    ds["flat_count"][:, :, 2, 0, :2] = [10, 30]
    parts = split_rate_change(ds)
    np.testing.assert_allclose(parts.policy[..., 1], -50)
    np.testing.assert_allclose(parts.visits[..., 1], 0, atol=1e-9)
