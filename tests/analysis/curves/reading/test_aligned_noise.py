"""What is known of the noise stays known when curves get common steps, by the rule that makes their values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from momentum_jax.analysis.curves.noise_floors import noise_levels
from momentum_jax.analysis.curves.reading.common_steps import align_runs, combine
from momentum_jax.analysis.curves.reading.reading import RunCurve
from momentum_jax.dips import analyze, read_curves
from tests.analysis.curves.reading import files

EVEN, ODD = np.array([0.0, 10, 20, 30, 40]), np.array([0.0, 15, 25, 35, 40])
WAYS = ("previous", "linear", "bins:2")


def runs(**noise: np.ndarray) -> list[RunCurve]:
    """Two runs on the even steps and one between them, whose noise is given."""
    even = RunCurve(
        arm="a", seed="0", steps=EVEN, values=EVEN, noise={name: 0 * array for name, array in noise.items()}
    )
    return [even, replace(even, seed="1"), RunCurve(arm="a", seed="2", steps=ODD, values=2 * ODD, noise=noise)]


def test_errors_go_with_the_weights_of_their_values():
    errors = np.array([1.0, 2, 4, 8, 16])
    found = {way: align_runs(runs(standard_errors=errors), way).runs[2].noise["standard_errors"] for way in WAYS}
    # At 10 two thirds of the value at 15 and a third of that at 0; at 40 the value itself.
    np.testing.assert_allclose(
        found["linear"], [1, np.hypot(1 / 3, 4 / 3), np.hypot(1, 2), np.hypot(2, 4), 16], rtol=1e-12
    )
    np.testing.assert_array_equal(found["previous"], [1, 1, 2, 4, 16])
    np.testing.assert_allclose(found["bins:2"], [np.sqrt(1 + 4) / 2, np.sqrt(16 + 64 + 256) / 3])


@pytest.mark.parametrize("way", WAYS)
def test_replicates_keep_their_mean(way):
    each = np.random.default_rng(0).normal(size=(3, 5))
    given = runs(replicates=each)
    given[2] = replace(given[2], values=each.mean(axis=0))
    found = align_runs(given, way).runs[2]
    np.testing.assert_allclose(found.noise["replicates"].mean(axis=0), found.values)


def test_an_error_that_is_missing_takes_only_what_it_is_part_of():
    errors = np.array([1.0, 2, np.nan, 8, 16])
    found = {way: align_runs(runs(standard_errors=errors), way).runs[2].noise["standard_errors"] for way in WAYS}
    assert np.isnan(found["linear"]).tolist() == [False, False, True, True, False]
    assert np.isnan(found["bins:2"]).tolist() == [False, True]


def test_nothing_is_known_outside_the_steps_of_a_run():
    long = np.arange(20.0)
    full = RunCurve(arm="a", seed="0", steps=long, values=long, noise={"standard_errors": long})
    short = RunCurve(arm="a", seed="2", steps=long[2:10], values=long[2:10], noise={"standard_errors": long[2:10]})
    found = align_runs([full, replace(full, seed="1"), short], "linear").runs[2].noise["standard_errors"]
    np.testing.assert_array_equal(found, np.where((long < 2) | (long > 9), np.nan, long))


def test_counts_are_left_out_of_means_with_a_word_and_the_remedy_keeps_them():
    totals = np.full(5, 10.0)
    given = runs(successes=totals / 2, totals=totals)
    for way in ("linear", "bins:2"):
        done = align_runs(given, way)
        assert not done.runs[2].noise and "Their counts are left out" in done.note
        assert "--align=previous keeps the counts" in done.note
    kept = align_runs(given, "previous")
    assert set(kept.runs[2].noise) == {"successes", "totals"} and "left out" not in kept.note


def test_runs_of_unequally_many_replicates_keep_them(tmp_path):
    key = np.random.default_rng(0)
    for seed, (values, number) in enumerate(zip(files.curves()[0], (10, 20, 5), strict=False)):
        noise = key.normal(size=(number, len(files.STEPS)))
        files.write_evaluations(tmp_path / f"seed_{seed}" / "evaluations.npz", (values + noise).T)
    reading = read_curves([tmp_path])
    assert (~np.isnan(reading.curves.replicates)).sum(axis=2)[0, :, 0].tolist() == [10, 20, 5]
    assert "means over 5 to 20 evaluation episodes, which are kept as replicates" in " ".join(reading.notes)
    choices = analyze(reading.curves, good="up").choices
    assert choices.noise == "replicates"
    sigma = noise_levels(reading.curves, choices)[0].sigma
    np.testing.assert_allclose((sigma**2).mean(axis=-1) * [10, 20, 5], 1, atol=0.6)


def test_a_run_without_errors_takes_those_of_no_other():
    given = [replace(run, steps=EVEN) for run in runs(standard_errors=np.ones(5))]
    curves = combine([*given[:2], replace(given[2], noise={})], "value")
    assert np.isnan(curves.standard_errors).all(axis=-1).tolist() == [[False, False, True]]
