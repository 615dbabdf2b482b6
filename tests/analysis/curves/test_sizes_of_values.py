"""Values of any size that is promised are judged like others: in a unit of their own and without a warning."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.dips.noise import draw_noise, judge_against_null
from momentum_jax.analysis.inference.bounded import bounded_mean_interval
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.resampling import draw_centres, resample_counts
from momentum_jax.dips import analyze

SIZES = [2.0**power for power in (-460, -130, 125, 458)]  # 3e-139, 7e-40, 4e37, 7e137; powers of two change no digit
rng = np.random.default_rng(0)
CURVES = 100 * (1 - np.exp(-np.arange(40) / 10)) + 2 * rng.standard_normal((8, 40))
CURVES[:, 6:10] -= 40


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("noise", [2.0, None], ids=["given noise", "estimated noise"])
def test_an_analysis_of_curves_is_that_of_the_same_curves_in_another_unit(size, noise):
    usual = analyze(CURVES, good="up", noise=noise)
    found = analyze(CURVES * size, good="up", noise=None if noise is None else noise * size)
    assert found.answer == usual.answer and found.answer.startswith("8 of 8 seeds")
    for column in ("depth", "trough_value", "baseline_value"):
        np.testing.assert_array_equal(found.seeds[column], usual.seeds[column] * size)
    pd.testing.assert_frame_equal(found.seeds[["is_dip", "class"]], usual.seeds[["is_dip", "class"]])


@pytest.mark.parametrize("size", SIZES)
def test_a_test_against_noise_has_the_same_limit_in_another_unit(size):
    steps, noise = np.arange(40.0), draw_noise(40)
    usual = judge_against_null(steps, CURVES, np.full(40, 2.0), noise)
    found = judge_against_null(steps, CURVES * size, np.full(40, 2.0 * size), noise)
    np.testing.assert_array_equal(found.limit, usual.limit)
    mixed = np.concatenate([CURVES, CURVES * size])
    sigma = np.full((16, 40), 2.0) * np.repeat([1.0, size], 8)[:, None]
    np.testing.assert_array_equal(judge_against_null(steps, mixed, sigma, noise).limit, np.tile(usual.limit, 2))


def test_a_rise_far_above_the_noise_is_certain():
    steps = np.arange(3.0)
    rising = judge_against_null(steps, [[0.0, 1.0, 2.0]], [[1e-45] * 3])
    assert np.isfinite(rising.limit).all() and not rising.exists.any()


@pytest.mark.parametrize("size", SIZES)
def test_intervals_over_seeds_grow_with_their_values(size):
    counts = resample_counts(8, 50)
    for centre in ("mean", "iqm", "median"):
        usual = draw_centres(CURVES, counts, centre)
        np.testing.assert_array_equal(draw_centres(CURVES * size, counts, centre), usual * size)
    seeds = CURVES[:, 0]
    for interval in (mean_interval, lambda values: bounded_mean_interval(values, values.min(), values.max())):
        usual, found = interval(seeds), interval(seeds * size)
        assert (found.low, found.high) == (usual.low * size, usual.high * size) and usual.low < usual.high
