"""Unequal steps are refused, or made equal as asked."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.curves.reading.common_steps import align_runs, combine
from momentum_jax.analysis.curves.reading.reading import RunCurve
from momentum_jax.analysis.curves.reading.windows import window_means
from momentum_jax.fields import ConfigError

EVEN, ODD = np.array([0.0, 10, 20, 30, 40]), np.array([0.0, 15, 25, 35, 40])


def run(seed: str, steps: np.ndarray, values: np.ndarray | None = None) -> RunCurve:
    return RunCurve(arm="a", seed=seed, steps=steps, values=steps * 2.0 if values is None else values, source="f.csv")


def test_equal_steps_stay_as_they_are():
    runs = [run("0", EVEN), run("1", EVEN)]
    assert align_runs(runs, "") == (runs, "")


def test_unequal_steps_are_refused_with_advice_that_works():
    with pytest.raises(ConfigError) as refused:
        align_runs([run("0", EVEN), run("1", ODD[:4])], "")
    assert "seed 0 has 5 from 0 to 40, arm a, seed 1 has 4 from 0 to 35" in str(refused.value)
    for way in ("previous", "linear", "bins:2"):
        assert f"--align={way.replace('bins:2', 'bins:50')}" in str(refused.value)
        assert len(combine(align_runs([run("0", EVEN), run("1", ODD)], way).runs, "value").steps) in (2, 5)


def test_previous_takes_the_last_value_and_linear_the_line():
    runs = [run("0", EVEN), run("1", EVEN), run("2", ODD)]
    previous, linear = (align_runs(runs, way).runs[2].values for way in ("previous", "linear"))
    np.testing.assert_array_equal(previous, [0, 0, 30, 50, 80])
    np.testing.assert_array_equal(linear, 2 * EVEN)


def test_a_run_that_ends_early_is_missing_there_and_a_little_earlier_shortens_all():
    long = np.arange(20.0)
    early = align_runs([run("0", long), run("1", long), run("2", long[:10])], "previous")
    np.testing.assert_array_equal(np.isnan(early.runs[2].values), long > 9)
    nearly = align_runs([run("0", long), run("1", long), run("2", long[:19])], "previous")
    assert [len(each.steps) for each in nearly.runs] == [19, 19, 19]
    assert "read at 19 steps of arm a, seed" in nearly.note


def test_windows_hold_their_upper_edge_and_keep_their_values():
    steps, values = np.array([5.0, 10, 11, 20, 30]), np.array([1.0, 3, 5, 9, 7])
    found = window_means(run("0", steps, values), np.array([0.0, 10, 20, 30]), replicates=True)
    np.testing.assert_array_equal(found.steps, [10, 20, 30])
    np.testing.assert_array_equal(found.values, [2, 7, 7])
    np.testing.assert_array_equal(found.noise["replicates"], [[1, 5, 7], [3, 9, np.nan]])
    assert not window_means(run("0", steps, values), np.array([0.0, 10, 20, 30])).noise


def test_single_values_are_no_replicates():
    assert window_means(run("0", EVEN), np.arange(-10.0, 50, 10), replicates=True).noise == {}


@pytest.mark.parametrize("way", ["", "linear"])
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([0, 20, 10], "step 20 is followed by 10, expected steps that increase: sort the rows"),
        ([0, 10, 10], "step 10 occurs twice"),
        ([0, np.nan, 10], "step 2 is nan, expected a finite number"),
        ([], "has no value"),
    ],
)
def test_steps_that_do_not_increase_are_refused(way, steps, words):
    with pytest.raises(ConfigError, match=words):
        align_runs([run("0", np.array(steps, float))], way)


def test_repeated_steps_are_averaged_where_windows_are_asked_for():
    found = align_runs([run("0", np.array([5.0, 5, 10]), np.array([1.0, 3, 7]))], "bins:2").runs[0]
    np.testing.assert_array_equal(found.values, [2, 7])


def test_values_that_are_left_out_at_a_repeated_step_are_said():
    twice = run("1", np.array([0.0, 10, 10, 20, 30, 40]), np.array([0.0, 3, 7, 8, 9, 9]))
    found = align_runs([run("0", EVEN), twice], "previous")
    np.testing.assert_array_equal(found.runs[1].values, [0, 7, 8, 9, 9])
    assert found.note.startswith("Seeds have the same steps, some of them twice; read at 5 steps of")
    assert found.note.endswith(
        "Values left out since their step has a later one: 1, the first at step 10 of arm a, seed 1."
    )
    assert "left out" not in align_runs([run("0", EVEN), run("1", ODD)], "previous").note


def test_a_seed_twice_is_refused():
    with pytest.raises(ConfigError, match="seed 0 is read a second time"):
        combine([run("0", EVEN), run("0", EVEN)], "value")


def test_seeds_stand_by_size_and_missing_ones_are_empty():
    other = RunCurve(arm="b", seed="10", steps=EVEN, values=EVEN)
    curves = combine([run("10", EVEN), run("9", EVEN), other], "value")
    assert curves.seeds == ("9", "10")
    np.testing.assert_array_equal(curves.ran, [[True, True], [False, True]])


@pytest.mark.parametrize("way", ["bins", "bins:0", "bins:x", "nearest"])
def test_unknown_ways_are_refused(way):
    with pytest.raises(ConfigError, match="expected previous, linear or bins:N"):
        align_runs([run("0", EVEN)], way)
