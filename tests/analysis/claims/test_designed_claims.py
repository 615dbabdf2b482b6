"""Claims of designed studies: margins of equivalence, shares of another arm, trends over doses, families by Holm."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage_claims import (
    CHANGE,
    HALF,
    RISING,
    WITHIN,
    SimulatedNumbers,
    claim,
    family_wise,
    halves,
    rising,
    shifted,
    supported,
)
from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import claims_table
from momentum_jax.analysis.claims.step_down import judge_step_down
from momentum_jax.analysis.claims.verdicts import judge
from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.config.declared_claims import claim_from_json
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import load_run

SEEDS = 32
NO_RISE = dataclasses.replace(CHANGE, equivalence=True, maximum=2.0)


def verdict(criterion, **arms):
    return judge(SimulatedNumbers(**arms), claim(criterion)).verdict


def drawn(mean, spread=3.0, seeds=SEEDS, key=0):
    """Normal numbers whose own mean is exactly `mean`."""
    values = np.random.default_rng(key).normal(0, spread, seeds)
    return mean + values - values.mean()


def test_an_equivalence_is_judged_by_the_interval_of_90_percent():
    values = drawn(1.0)
    finding = judge(SimulatedNumbers(a=values), claim(WITHIN)).findings[0]
    assert finding.confidence == pytest.approx(0.9)
    assert finding.interval == pytest.approx(mean_interval(values, finding.confidence))
    assert claims_table([judge(SimulatedNumbers(a=values), claim(WITHIN))])["confidence"].item() == pytest.approx(0.9)
    # Its upper end lies between those of the intervals of 90 and 95 %: the margin is met by the first alone.
    margin = (mean_interval(values, 0.9).high + mean_interval(values, 0.95).high) / 2
    just = dataclasses.replace(WITHIN, maximum=margin)
    assert verdict(just, a=values) == Verdict.SUPPORTED
    assert verdict(dataclasses.replace(just, equivalence=False), a=values) == Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("mean", "within", "no_rise"),
    [
        (0.0, Verdict.SUPPORTED, Verdict.SUPPORTED),
        (2.0, Verdict.UNDECIDED, Verdict.UNDECIDED),
        (4.0, Verdict.NOT_SUPPORTED, Verdict.NOT_SUPPORTED),
        (-4.0, Verdict.NOT_SUPPORTED, Verdict.SUPPORTED),  # a fall is no rise
    ],
)
def test_margins_have_the_sides_that_are_given(mean, within, no_rise):
    assert (verdict(WITHIN, a=drawn(mean)), verdict(NO_RISE, a=drawn(mean))) == (within, no_rise)


def test_a_depth_of_no_more_than_a_margin_is_decided_by_the_seeds_that_were_drawn():
    depth = dataclasses.replace(NO_RISE, quantity="depth", versus="b")
    assert verdict(depth, a=3 + drawn(0, 1), b=3 + drawn(0, 1, key=1)) == Verdict.SUPPORTED
    allowing_for_others = dataclasses.replace(depth, equivalence=False)
    assert verdict(allowing_for_others, a=3 + drawn(0, 1), b=3 + drawn(0, 1, key=1)) == Verdict.UNDECIDED


@pytest.mark.parametrize("skewed", [False, True])
def test_equivalence_keeps_its_level_at_the_margin_and_has_power_within(skewed):
    size, power = (supported(WITHIN, shifted(mean, skewed), SEEDS, 100) for mean in (2.0, 0.0))
    assert size <= (14 if skewed else 10) and power >= 90  # 5 %, two errors of 100; few skewed seeds


def test_a_share_of_the_other_arm_is_subtracted_seed_by_seed():
    other = drawn(20.0)
    finding = judge(SimulatedNumbers(a=0.5 * other + 1, b=other), claim(HALF)).findings[0]
    assert finding.interval.estimate == pytest.approx(1.0) and finding.number.endswith("a less 0.5 × b")
    assert verdict(HALF, a=0.5 * other + drawn(1, 0.5, key=1), b=other) == Verdict.SUPPORTED
    assert verdict(HALF, a=0.5 * other + drawn(-1, 0.5, key=1), b=other) == Verdict.NOT_SUPPORTED
    assert verdict(HALF, a=0.5 * other + drawn(0, 0.5, key=1), b=other) == Verdict.UNDECIDED


def test_half_of_an_arm_keeps_its_level_where_it_is_exactly_half():
    assert supported(HALF, halves, SEEDS, 100) <= 6  # 2.5 %, two errors of 100


@pytest.mark.parametrize(
    ("step", "found"), [(2.0, Verdict.SUPPORTED), (-2.0, Verdict.NOT_SUPPORTED), (0.0, Verdict.UNDECIDED)]
)
def test_a_trend_goes_the_claimed_way_the_other_way_or_none(step, found):
    arms = {name: drawn(step * place, key=place) for place, name in enumerate("abcd")}
    finding = judge(SimulatedNumbers(**arms), claim(RISING)).findings[0]
    assert finding.verdict == found and finding.interval.estimate == pytest.approx(step, abs=1e-6)
    assert finding.number.endswith("slope along a, b, c, d")
    falling = dataclasses.replace(RISING, minimum=None, maximum=0.0)
    opposite = {Verdict.SUPPORTED: Verdict.NOT_SUPPORTED, Verdict.NOT_SUPPORTED: Verdict.SUPPORTED}
    assert verdict(falling, **arms) == opposite.get(found, found)


def test_a_trend_keeps_its_level_and_five_seeds_decide_nothing():
    assert supported(RISING, rising(0.0), SEEDS, 100) <= 6  # 2.5 % each way, two errors of 100
    few = {name: drawn(5 * place, 1, seeds=5, key=place) for place, name in enumerate("abcd")}
    assert verdict(RISING, **few) == Verdict.UNDECIDED


def test_page_is_two_sided():
    values = np.array([drawn(0.3 * place, key=place) for place in range(4)])
    rising = stats.page_trend_test(values.T, method="asymptotic").pvalue
    assert dose_trend(range(4), values).page_p_value == pytest.approx(2 * rising)
    turned = dose_trend(range(4), values[::-1])
    assert turned.page_p_value == pytest.approx(2 * rising) and not turned.page_rises


def test_a_trend_depends_on_the_order_of_the_arms():
    arms = {name: drawn(2.0 * place, key=place) for place, name in enumerate("abcd")}
    turned = dataclasses.replace(RISING, arm="d", along=("c", "b", "a"))
    assert verdict(turned, **arms) == Verdict.NOT_SUPPORTED


def levels_claimed(means):
    """A claim "above 0" for each arm, and the numbers of the arms."""
    arms = {name: drawn(mean, 1.0, key=place) for place, (name, mean) in enumerate(means.items())}
    claims = [claim(dataclasses.replace(CHANGE, arm=name, minimum=0.0), name=name) for name in means]
    return SimulatedNumbers(**arms), claims


def limit_of(confidence):
    """The mean at which an interval of unit spread just leaves 0."""
    values = drawn(0.0, 1.0, key=1)
    return -mean_interval(values, confidence).low


def test_claims_that_are_decided_leave_more_of_the_level_to_the_others():
    between = (limit_of(1 - 0.05 / 2) + limit_of(0.95)) / 2
    run, claims = levels_claimed({"clear": 5.0, "close": between})
    assert [judge(run, one, 2).verdict for one in claims] == [Verdict.SUPPORTED, Verdict.UNDECIDED]
    assert [found.verdict for found in judge_step_down(run, claims)] == [Verdict.SUPPORTED] * 2
    # A claim that is refuted is no false one that was found: it leaves nothing to a support.
    run, claims = levels_claimed({"refuted": -5.0, "close": between})
    assert [found.verdict for found in judge_step_down(run, claims)] == [Verdict.NOT_SUPPORTED, Verdict.UNDECIDED]


def test_the_intervals_of_a_family_stay_simultaneous_over_all_its_claims():
    run, claims = levels_claimed({"clear": 5.0, "other": 5.0})
    for found in judge_step_down(run, claims):
        assert found.confidence == found.findings[0].confidence == pytest.approx(1 - 0.05 / 2)


def test_a_family_of_true_nulls_supports_one_in_twenty_times_at_most():
    assert family_wise(4, SEEDS, 30) <= 10  # 2.5 %, two errors of 30


def test_all_criteria_of_a_supported_claim_have_the_whole_level():
    between = (limit_of(1 - 0.05 / 2) + limit_of(0.95)) / 2
    run = SimulatedNumbers(a=drawn(5.0, 1.0), close=drawn(between, 1.0, key=1))
    both = claim(*(dataclasses.replace(CHANGE, arm=name, minimum=0.0) for name in ("a", "close")))
    assert judge_step_down(run, [both])[0].verdict == Verdict.SUPPORTED
    assert judge(run, both).verdict == Verdict.UNDECIDED
    # A refutation needs one of them only, so they share the level.
    run = SimulatedNumbers(a=drawn(5.0, 1.0), close=-drawn(between, 1.0, key=1))
    assert judge_step_down(run, [both])[0].verdict == Verdict.UNDECIDED


def test_a_change_may_begin_at_the_start(simulate):
    ds = load_run(simulate(num_seeds=12, steps=(0, 1_000, 5_000, 10_000)))
    run = RunNumbers(ds)
    asked = dataclasses.replace(CHANGE, arm="tune2")
    level = dataclasses.replace(asked, quantity="level")
    found = run.per_seed(asked, "exact", "tune2")
    start = run.per_seed(dataclasses.replace(level, step=0), "exact", "tune2")
    assert start == pytest.approx(derive_curves(ds)["p_hold"].sel(arm="tune2", checkpoint=0).values)
    found = run.per_seed(asked, "exact", "tune2")
    assert np.isfinite(start).all() and np.ptp(found - start) > 0
    assert found == pytest.approx(run.per_seed(level, "exact", "tune2") - start)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"versus_share": 0.5}, "needs an arm in versus"),
        ({"versus": "b", "versus_share": 0.0}, "is above 0"),
        ({"along": ("b",), "minimum": 0.0}, "two further arms"),
        ({"along": ("b", "c"), "minimum": 1.0}, "judged against 0"),
        ({"along": ("b", "c"), "minimum": None, "maximum": None}, "neither minimum nor maximum"),
        ({"along": ("b", "c"), "minimum": 0.0, "versus": "d"}, "neither versus nor equivalence"),
        ({"along": ("b", "c"), "minimum": 0.0, "equivalence": True}, "neither versus nor equivalence"),
        ({"quantity": "prevalence", "equivalence": True}, "leave them out, or choose depth"),
        ({"counted": "windowed"}, "later from_step or counted='exact'"),
    ],
)
def test_what_cannot_be_compared_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CHANGE, **{"minimum": 0.0} | changes).validate(MOMENTUM)


def test_a_designed_claim_comes_back_from_json():
    declared = claim(RISING, HALF, WITHIN)
    plain = json.loads(json.dumps(dataclasses.asdict(declared)))
    assert claim_from_json(plain, MOMENTUM) == declared
