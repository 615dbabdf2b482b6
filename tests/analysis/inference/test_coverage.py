"""Coverage and levels by simulation, small; benchmarks/coverage.py makes the table in docs/statistics.md."""

from __future__ import annotations

import pytest

from benchmarks import coverage, coverage_depth, coverage_noise


@pytest.mark.parametrize("num_seeds", [8, 16, 32, 64])
def test_wilson_covers_on_average_over_p(num_seeds):
    assert 93 <= coverage.wilson_coverage(num_seeds) <= 97


@pytest.mark.parametrize("name", ["gamma, shape 2", "exponential", "log-normal, σ 0.5", "30 % zeros, else gamma"])
def test_bca_covers_with_64_skewed_seeds(name):
    assert coverage.bca_coverage(coverage.PROCESSES[name], 64, 600) >= 91


@pytest.mark.slow
@pytest.mark.parametrize(("centre", "skewed"), [("mean", False), ("mean", True), ("median", False), ("iqm", False)])
def test_simultaneous_bands_cover_whole_curves(centre, skewed):
    repetitions = 400 if centre == "mean" else 100
    assert coverage.band_coverage(centre, 32, repetitions, skewed) >= 93


@pytest.mark.parametrize("kind", ["flat", "rising", "late rise"])
@pytest.mark.parametrize("stickiness", ["0", "0.6"])
def test_no_dip_is_found_where_there_is_none(kind, stickiness):
    assert coverage_noise.false_dips(kind, 192, stickiness) <= 5


@pytest.mark.parametrize("stickiness", ["0.6", "0.8 in the first third", "0.9 from 5 000 to 10 000"])
@pytest.mark.parametrize("study_seeds", [64, 6, 1])
def test_no_dip_is_found_where_stickiness_changes_or_seeds_are_few(stickiness, study_seeds):
    assert coverage_noise.false_dips("flat", 192, stickiness, study_seeds) <= 5


def test_the_noise_test_has_power():
    assert coverage_noise.dips_found_on_spy() > 15  # with one design effect for all windows: 0


@pytest.mark.parametrize("wiggle", [0.0, 0.2])
@pytest.mark.parametrize("num_seeds", [6, 8, 16])
def test_seeds_that_happen_not_to_dip_do_not_support_a_small_mean_depth(num_seeds, wiggle):
    assert coverage_depth.wrongly_supported(num_seeds, 60, wiggle=wiggle) <= 5


@pytest.mark.parametrize("prevalence", [0.05, 0.2])
def test_the_interval_of_a_claimed_depth_covers_where_few_seeds_dip(prevalence):
    assert coverage_depth.depth_coverage("claims", 16, prevalence, 100) >= 95
    assert coverage_depth.depth_coverage("BCa", 16, 0.05, 60) < 70  # which is why claims do not use it


def test_the_paired_difference_of_shares_covers():
    assert coverage.newcombe_coverage(32, 300) >= 92


def test_sign_flips_keep_their_level():
    assert coverage.sign_flip_level(16, 200) <= 8  # 5 % and two simulation errors


def test_adding_seeds_until_arms_differ_finds_differences_that_are_not_there():
    # Five looks at up to 40 pairs: 14 % in theory.
    assert coverage.level_when_looked_at_again(coverage.LOOKS[:5], 60) >= 10
