"""What an interval decides, and what a permutation test has to confirm."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.inference.intervals import Interval, mean_interval
from momentum_jax.analysis.inference.paired import sign_flip_test
from momentum_jax.analysis.inference.verdict import PermutationTest, Verdict, decide, direction
from momentum_jax.analysis.report.verdict_words import direction_in_words, rise_in_words

ABOVE, BELOW = Interval(2.0, 1.0, 3.0), Interval(-2.0, -3.0, -1.0)


@pytest.mark.parametrize(("p_value", "sides"), [(0.04, (1, -1)), (0.06, (0, 0))])
def test_a_side_needs_the_interval_and_the_test(p_value, sides):
    test = PermutationTest(p_value, 0.05)
    assert (direction(ABOVE, 8, test), direction(BELOW, 8, test)) == sides
    assert (direction(ABOVE, 8), direction(BELOW, 8)) == (1, -1)


def test_a_claim_that_the_test_does_not_confirm_is_undecided_either_way():
    test = PermutationTest(0.06, 0.05)
    for interval in (ABOVE, BELOW):
        found = decide(interval, 8, minimum=0.0, tested=test)
        assert (
            found.verdict == Verdict.UNDECIDED and found.reason == "a permutation test of so few seeds gives p = 0.06"
        )
    assert decide(ABOVE, 8, minimum=2.0, tested=test).reason == "the interval holds an end of the claimed range"


def test_sign_flips_leave_missing_values_out():
    six = np.array([1.0, 2, 3, 4, 5, 6])
    assert sign_flip_test(six) == 2 / 64 == sign_flip_test([*six, np.nan])


def test_six_seeds_decide_nothing_at_a_shared_level():
    """2.5 %: all six have the same sign, and of 64 ways to flip them two are as far from 0."""
    six = np.array([1.0, 1.1, 1.2, 1.0, 0.9, 1.1])
    change, p_value = mean_interval(six, 0.975), sign_flip_test(six)
    assert change.low > 0
    words = direction_in_words(change, 6, "it rose", "it fell", 0.975, p_value=p_value)
    assert words.endswith("**undecided**, as a permutation test of so few seeds gives p = 0.031")
    rise = rise_in_words(change, 6, 0.975, p_value=p_value)
    assert rise.startswith("**undecided**") and rise.endswith("; a permutation test of so few seeds gives p = 0.031)")
    assert rise_in_words(change, 6, 0.95, p_value=p_value).startswith("**supported**")
