"""Silverman's test tells two groups from one, whatever one group's shape, and holds its level."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.inference.modality import critical_bandwidth, num_modes, one_mode

RNG = np.random.default_rng(3)


def test_two_groups_are_told_from_one_that_is_merely_skewed():
    apart = np.concatenate([RNG.normal(0, 1, 60), RNG.normal(6, 1, 60)])
    assert one_mode(apart, draws=100).p_value <= 0.05
    assert one_mode(RNG.gamma(2.0, 1.0, 120), draws=100).p_value > 0.05


def test_two_points_have_one_mode_from_the_bandwidth_of_half_their_distance_on():
    # A mixture of two equal normals has one mode exactly where they are at most two deviations apart.
    assert critical_bandwidth(np.repeat([0.0, 2.0], 10)) == pytest.approx(1.0, rel=0.02)
    assert [num_modes(np.array([0.0, 2.0]), width) for width in (0.5, 0.9, 1.1)] == [2, 2, 1]


def test_it_finds_two_groups_in_one_at_most_at_its_level():
    found = sum(one_mode(np.random.default_rng(s).normal(size=40), draws=60).p_value <= 0.05 for s in range(40))
    assert found <= 4


def test_constant_and_few_values_have_no_test():
    assert np.isnan(one_mode(np.zeros(20)).p_value) and np.isnan(one_mode([1.0, 2.0, np.nan, 3.0]).p_value)
    assert one_mode([1.0, 2.0, np.nan, 3.0]).seeds == 3
