"""Skill against bias, policy against visits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_jax.analysis.metrics.curves import derive_curves
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


def test_the_parts_of_a_change_add_up(simulate):
    ds = load_run(simulate())
    parts = split_rate_change(ds, 5_000, 10_000)
    hold = derive_curves(ds)["hold_pct"]
    expected = hold.isel(checkpoint=10) - hold.isel(checkpoint=5)
    np.testing.assert_allclose(parts.total, expected)
    np.testing.assert_allclose(parts.policy + parts.visits + parts.rest, parts.total)
    assert (abs(parts.visits) < 3).all() and (parts.policy > 3).all()  # the same scores are visited, the policy changes


def test_other_visits_with_the_same_policy_are_no_change_of_policy(simulate):
    ds = load_run(simulate()).copy(deep=True)
    ds["p_action"][...] = ds["p_action"].isel(checkpoint=5).values[:, :, None]
    ds["flat_count"][...] = 0
    ds["flat_count"][:, :, 5, 0, 0] = 90
    ds["flat_count"][:, :, 5, 4, 1] = 10
    ds["flat_count"][:, :, 10, 0, 0] = 10
    ds["flat_count"][:, :, 10, 4, 1] = 90
    parts = split_rate_change(ds, 5_000, 10_000)
    np.testing.assert_allclose(parts.policy, 0, atol=1e-9)
    assert (parts.visits < -5).all()


def test_a_missing_checkpoint_is_refused(simulate):
    with pytest.raises(ValueError, match="5001"):
        split_rate_change(load_run(simulate()), 5_000, 5_001)
