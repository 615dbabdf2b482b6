"""What an interval decides, and what a t test has to confirm."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from momentum_jax.analysis.inference.intervals import Interval, mean_interval
from momentum_jax.analysis.inference.verdict import NOT_TESTED, MeanTest, Verdict, decide, mean_test
from momentum_jax.analysis.report.verdict_words import direction_in_words, rise_in_words

ABOVE, BELOW = Interval(2.0, 1.0, 3.0), Interval(-2.0, -3.0, -1.0)


def test_a_claim_that_the_test_does_not_confirm_is_undecided_either_way():
    test = MeanTest(0.06, 0.05)
    for interval in (ABOVE, BELOW):
        found = decide(interval, 8, minimum=0.0, tested=test)
        assert found.verdict == Verdict.UNDECIDED and found.reason == "a t test of so few seeds gives p = 0.06"
    assert decide(ABOVE, 8, minimum=2.0, tested=test).reason == "the interval holds an end of the claimed range"


def test_missing_values_are_left_out_and_many_seeds_or_equal_ones_are_not_tested():
    six = np.array([1.0, 2, 3, 4, 5, 6])
    assert mean_test([*six, np.nan], 0.95) == mean_test(six, 0.95)
    assert mean_test(six, 0.95).p_value == pytest.approx(stats.ttest_1samp(six, 0).pvalue)
    assert mean_test(np.arange(17.0), 0.95) == mean_test(np.ones(6), 0.95) == mean_test([1.0], 0.95) == NOT_TESTED


def test_seeds_that_differ_by_rounding_alone_are_not_tested():
    """SciPy warns of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mean_test(1 + np.arange(6) * 3e-16, 0.95) == mean_test([0.3, 0.1 + 0.2] * 3, 0.95) == NOT_TESTED
    assert mean_test(1 + np.arange(6) * 1e-3, 0.95) != NOT_TESTED


def test_six_seeds_whose_bootstrap_interval_is_too_narrow_decide_nothing():
    six = np.array([0.1, 0.2, 3.0, 4.0, 0.1, 0.3])
    change, tested = mean_interval(six, 0.95), mean_test(six, 0.95)
    assert change.low > 0 and tested.p_value > 0.05
    words = direction_in_words(change, 6, "it rose", "it fell", tested=tested)
    assert words.endswith("**undecided**, as a t test of so few seeds gives p = 0.13")
    rise = rise_in_words(change, 6, tested=tested)
    assert rise.startswith("**undecided**") and rise.endswith("; a t test of so few seeds gives p = 0.13)")
    assert rise_in_words(change, 6).startswith("**supported**")
