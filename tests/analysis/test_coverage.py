"""Coverage and levels by simulation, small; benchmarks/coverage.py makes the table in docs/statistics.md."""

from __future__ import annotations

import pytest

from benchmarks import coverage, coverage_noise


@pytest.mark.parametrize("num_seeds", [8, 16, 32, 64])
def test_wilson_covers_on_average_over_p(num_seeds):
    assert 93 <= coverage.wilson_coverage(num_seeds) <= 97


@pytest.mark.parametrize("name", ["gamma, shape 2", "exponential", "log-normal, σ 0.5", "30 % zeros, else gamma"])
def test_bca_covers_with_64_skewed_seeds(name):
    assert coverage.bca_coverage(coverage.PROCESSES[name], 64, 600) >= 91


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


def test_the_paired_difference_of_shares_covers():
    assert coverage.newcombe_coverage(32, 300) >= 92


def test_sign_flips_keep_their_level():
    assert coverage.sign_flip_level(16, 200) <= 8  # 5 % and two simulation errors
