"""Dips: the golden example, the definitions transcribed in plain Python, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import signal

from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.dips import DipClass, Dips, find_dips, landmark_depth
from momentum_jax.analysis.dips.drawdowns import drawdowns, largest_drawdown
from momentum_jax.analysis.dips.excursions import find_excursions

GOLDEN_STEPS = np.array([5_000, 10_000, 25_000, 100_000])
GOLDEN_HOLD = np.array([54.9, 63.0, 52.9, 38.2])

# Quarters of a point add up without rounding, so that ties and thresholds are exact.
quarters = st.integers(-160, 160).map(lambda number: number / 4)
curves = st.integers(2, 24).flatmap(lambda size: hnp.arrays(np.float64, size, elements=quarters))
gappy_curves = st.integers(2, 24).flatmap(
    lambda size: hnp.arrays(np.float64, size, elements=quarters | st.just(math.nan))
)


def steps_of(curve: np.ndarray) -> np.ndarray:
    """Uneven steps, 0 first."""
    return np.cumsum(np.arange(curve.shape[-1]) % 3 + 1) * 1_000 - 1_000


def by_definition(env_steps, curve, sign, horizon, baseline_step, threshold, recovery_share):
    """The specification's words, one checkpoint after the other, for one curve."""
    points = [(t, sign * x) for t, x in zip(env_steps, curve, strict=True) if t >= baseline_step and not math.isnan(x)]
    u = [value for _, value in points]
    down = [max(u[: k + 1]) - u[k] for k in range(len(u))]
    temporary = [min(max(u[: k + 1]), max(u[k:])) - u[k] for k in range(len(u))]
    within = [k for k, (t, _) in enumerate(points) if t <= horizon]
    trough = max(within, key=lambda k: (down[k], -k), default=None)
    if trough is None or down[trough] < threshold:
        return None
    onset = max(range(trough + 1), key=lambda k: (u[k], k))
    depth, fraction = down[trough], temporary[trough] / down[trough]
    target = u[onset] - (1 - recovery_share) * depth
    recovery = math.nan
    for k in range(trough + 1, len(u)):
        if u[k] >= target - 1e-9:
            (t0, u0), (t1, u1) = points[k - 1], points[k]
            recovery = t0 + (target - u0) / (u1 - u0) * (t1 - t0)
            break
    end = points[-1][0] if math.isnan(recovery) else recovery
    area = 0.0
    for (t0, u0), (t1, u1) in zip(points[onset:], points[onset + 1 :], strict=False):
        if t0 >= end:
            break
        stop = min(t1, end)
        at_stop = u0 + (u1 - u0) * (stop - t0) / (t1 - t0)
        area += (stop - t0) * (2 * u[onset] - u0 - at_stop) / 2
    if not math.isnan(recovery):
        klass = DipClass.RECOVERED if recovery <= horizon else DipClass.LATE
    else:
        klass = DipClass.PARTIAL if fraction >= 0.5 else DipClass.UNRECOVERED
    return (
        points[onset][0],
        points[trough][0],
        depth,
        max(temporary[k] for k in within),
        fraction,
        recovery,
        math.isnan(recovery),
        recovery - points[onset][0],
        area,
        klass,
    )


def assert_same(first: Dips, second: Dips) -> None:
    for name, one, two in zip(Dips._fields, first, second, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-6, err_msg=name)


def test_golden_example():
    down, temporary = drawdowns(-GOLDEN_HOLD)
    np.testing.assert_allclose(down, [0, 8.1, 0, 0])
    np.testing.assert_allclose(temporary, [0, 8.1, 0, 0])
    dips = find_dips(GOLDEN_STEPS, GOLDEN_HOLD, -1, DipOptions(horizon=25_000, baseline_step=5_000, recovery_share=1))
    assert dips.has_dip and dips.observed and not dips.censored
    assert (dips.onset_step, dips.trough_step) == (5_000, 10_000)
    assert dips.depth == pytest.approx(8.1) and dips.temporary_depth == pytest.approx(8.1)
    assert dips.recovery_step == pytest.approx(22_030, abs=1)
    assert dips.duration == pytest.approx(17_030, abs=1)
    assert dips.area == pytest.approx(68_970, abs=1)
    assert dips.klass == DipClass.RECOVERED


@settings(max_examples=150, deadline=None)
@given(
    curve=gappy_curves,
    sign=st.sampled_from([-1, 1]),
    horizon=st.sampled_from([4_000, 15_000, 1e9]),
    baseline_step=st.sampled_from([0, 2_500]),
    recovery_share=st.sampled_from([0.5, 0.75, 1.0]),
)
def test_same_as_the_definitions(curve, sign, horizon, baseline_step, recovery_share):
    options = DipOptions(horizon=horizon, baseline_step=baseline_step, recovery_share=recovery_share)
    steps = steps_of(curve)
    dips = find_dips(steps, curve, sign, options)
    expected = by_definition(steps, curve, sign, horizon, baseline_step, 5.0, recovery_share)
    assert bool(dips.has_dip) == (expected is not None)
    if expected is None:
        assert dips.klass == DipClass.NONE
        assert np.isnan([dips.trough_step, dips.onset_step, dips.recovery_step, dips.area]).all()
        assert dips.depth < 5 or (np.isnan(dips.depth) and not dips.observed)
    else:
        np.testing.assert_allclose(np.array(dips[2:], float), np.array(expected, float), rtol=1e-9)


def test_all_curves_at_once_as_one_by_one():
    key = np.random.default_rng(3)
    stack = key.normal(50, 10, (4, 5, 30)).cumsum(axis=-1)
    stack = 50 + 20 * np.sin(stack / 40)
    stack[key.random(stack.shape) < 0.2] = np.nan
    stack[0, 0] = np.nan
    steps = np.arange(30) * 1_000
    together = find_dips(steps, stack, -1)
    assert together.depth.shape == (4, 5)
    assert together.has_dip.any() and not together.has_dip[0, 0] and not together.observed[0, 0]
    for index in np.ndindex(4, 5):
        assert_same(Dips(*(np.asarray(field[index]) for field in together)), find_dips(steps, stack[index], -1))


@given(curve=curves)
def test_greatest_temporary_dip_is_the_largest_prominence(curve):
    peaks, _ = signal.find_peaks(-curve)
    prominences = signal.peak_prominences(-curve, peaks)[0]
    assert drawdowns(curve).temporary.max() == prominences.max(initial=0)


@given(curve=curves)
def test_drawdown_bounds_the_temporary_dip(curve):
    down, temporary = drawdowns(curve)
    assert (down >= temporary).all() and (temporary >= 0).all()
    assert down[0] == temporary[0] == temporary[-1] == 0


@given(curve=curves, constant=quarters)
def test_adding_a_constant_changes_nothing(curve, constant):
    steps = steps_of(curve)
    assert_same(find_dips(steps, curve, 1), find_dips(steps, curve + constant, 1))


@given(curve=gappy_curves)
def test_the_sign_turns_the_curve_over(curve):
    assert_same(find_dips(steps_of(curve), curve, 1), find_dips(steps_of(curve), -curve, -1))


@given(curve=curves)
def test_a_rising_curve_has_no_dip(curve):
    dips = find_dips(steps_of(curve), np.sort(curve), 1)
    assert not dips.has_dip and dips.klass == DipClass.NONE and dips.depth == 0


@given(curve=gappy_curves)
def test_a_missing_value_is_a_missing_checkpoint(curve):
    steps, known = steps_of(curve), ~np.isnan(curve)
    if known.any():
        assert_same(find_dips(steps, curve, 1), find_dips(steps[known], curve[known], 1))


@pytest.mark.parametrize(
    ("curve", "klass", "censored"),
    [
        ([50, 50, 50, 50, 50], DipClass.NONE, False),
        ([50, 40, 50, 50, 50], DipClass.RECOVERED, False),
        ([50, 40, 40, 40, 50], DipClass.LATE, False),
        ([50, 40, 40, 46, 46], DipClass.PARTIAL, True),
        ([50, 40, 40, 40, 44], DipClass.UNRECOVERED, True),
    ],
)
def test_classes(curve, klass, censored):
    dips = find_dips([0, 10_000, 20_000, 24_000, 60_000], curve, 1, DipOptions(horizon=25_000))
    assert (dips.klass, bool(dips.censored)) == (klass, censored)
    assert np.isnan(dips.recovery_step) == (censored or klass == DipClass.NONE)


@pytest.mark.parametrize(("lowest", "has_dip"), [(45.0, True), (45.25, False), (45.0 + 5e-10, True)])
def test_a_fall_of_exactly_the_threshold_is_a_dip_and_a_smaller_one_has_a_depth_too(lowest, has_dip):
    dips = find_dips([0, 1_000, 2_000], [50.0, lowest, 50.0], 1)
    assert bool(dips.has_dip) == has_dip
    assert dips.depth == dips.temporary_depth == 50.0 - lowest
    assert np.isnan(dips.trough_step) != has_dip


def test_a_small_bump_that_came_back_does_not_hide_a_later_fall():
    steps, curve = np.arange(6) * 1_000, [50, 44.9, 49.9, 49, -10, -10]
    dips = find_dips(steps, curve, 1)
    assert (dips.onset_step, dips.trough_step, dips.depth) == (0, 4_000, 60)
    assert dips.temporary_depth == pytest.approx(5.0) and dips.recovered_fraction == 0
    assert dips.klass == DipClass.UNRECOVERED
    found = find_excursions(steps, curve, 1)
    np.testing.assert_allclose(found.trough_step, [1_000, 4_000])
    np.testing.assert_allclose(found.depth, [5.1, 60])
    np.testing.assert_allclose(found.onset_step, [0, 0])
    np.testing.assert_allclose(found.recovery_step, [1_000 + 1_000 * 4.59 / 5, np.nan])


@given(curve=gappy_curves, rate=st.sampled_from([0.25, 1.0, 4.0]))
def test_depth_never_shrinks_when_a_curve_gets_worse(curve, rate):
    steps = steps_of(curve)
    before, after = find_dips(steps, curve, 1), find_dips(steps, curve - rate * steps / 1_000, 1)
    assert after.depth >= before.depth or not before.observed


@given(curve=gappy_curves, horizon=st.sampled_from([4_000, 1e9]), baseline_step=st.sampled_from([0, 2_500]))
def test_the_deepest_excursion_is_the_dip_and_depth_the_largest_drawdown(curve, horizon, baseline_step):
    options = DipOptions(horizon=horizon, baseline_step=baseline_step)
    dips = find_dips(steps_of(curve), curve, 1, options)
    found = find_excursions(steps_of(curve), curve, 1, options)
    largest = largest_drawdown(steps_of(curve), curve, 1, horizon, baseline_step)
    np.testing.assert_array_equal(largest.depth, dips.depth)
    np.testing.assert_array_equal(largest.temporary_depth, dips.temporary_depth)
    assert bool(dips.has_dip) == bool(len(found.depth))
    if dips.has_dip:
        first = found.depth.argmax()
        dip = (dips.onset_step, dips.trough_step, dips.depth, dips.recovery_step)
        np.testing.assert_allclose([part[first] for part in found[1:]], dip)
        assert largest.trough_step == dips.trough_step
    assert (np.diff(found.trough_step) > 0).all() and (found.depth >= 5).all()


def test_excursions_of_many_curves_are_those_of_each():
    rng = np.random.default_rng(5)
    stack = rng.normal(0, 6, (3, 4, 30))
    stack[rng.random(stack.shape) < 0.2] = np.nan
    steps = np.arange(30) * 1_000
    together = find_excursions(steps, stack, -1)
    alone = [find_excursions(steps, curve, -1) for curve in stack.reshape(-1, 30)]
    assert together.curve.tolist() == [i for i, one in enumerate(alone) for _ in one.depth]
    for name in together._fields[1:]:
        np.testing.assert_array_equal(getattr(together, name), np.concatenate([getattr(one, name) for one in alone]))
    assert min(len(one.depth) for one in alone) > 1


def test_the_largest_drawdown_looks_only_between_baseline_and_horizon():
    curve = np.array([[0.0, 30, 10, 50], [np.nan, np.nan, np.nan, 1]])
    np.testing.assert_allclose(largest_drawdown([0, 1, 2, 9], curve, -1, horizon=2).depth, [30, np.nan])
    np.testing.assert_allclose(largest_drawdown([0, 1, 2, 9], curve, -1, 9, baseline_step=1).depth, [40, np.nan])


def test_the_trough_is_the_first_step_that_reaches_the_depth_and_a_rising_curve_has_none():
    curves = np.array([[0.0, 30, 30, 50], [9, 8, 7, 6], [np.nan, np.nan, np.nan, 1]])
    np.testing.assert_allclose(largest_drawdown([0, 1, 2, 9], curves, -1, 2).trough_step, [1, np.nan, np.nan])
    np.testing.assert_allclose(largest_drawdown([0, 1, 2, 9], curves, -1, 9).trough_step, [9, np.nan, np.nan])


def test_a_trough_after_the_horizon_does_not_count():
    curve = [50, 49, 30, 50]
    assert not find_dips([0, 1_000, 26_000, 30_000], curve, 1, DipOptions(horizon=25_000)).has_dip
    assert find_dips([0, 1_000, 26_000, 30_000], curve, 1).has_dip  # the whole curve where no horizon is given
    assert find_dips([0, 1_000, 26_000, 30_000], curve, 1, DipOptions(horizon=26_000)).has_dip


def test_area_to_the_end_where_the_dip_lasts():
    dips = find_dips([0, 1_000, 3_000], [50, 40, 42], 1)
    assert dips.area == pytest.approx(1_000 * 5 + 2_000 * 9) and np.isnan(dips.duration)


def test_a_baseline_after_the_last_value_is_not_observed():
    dips = find_dips([0, 1_000, 2_000], [50, 30, 50], 1, DipOptions(baseline_step=2_000))
    assert not dips.observed and not dips.has_dip


def test_landmark_depth():
    curve = np.stack([GOLDEN_HOLD, GOLDEN_HOLD + 1])
    np.testing.assert_allclose(landmark_depth(GOLDEN_STEPS, curve, 5_000, 10_000), [8.1, 8.1])
    np.testing.assert_allclose(landmark_depth(GOLDEN_STEPS, curve, 5_000, 10_000, sign=1), [-8.1, -8.1])
    assert np.isnan(landmark_depth(GOLDEN_STEPS, curve, 5_000, 11_000)).all()


@pytest.mark.parametrize(
    ("steps", "curve", "options", "message"),
    [
        ([0, 1], [1, 2], {"sign": 0}, "sign"),
        ([0, 1], [1, 2, 3], {}, "expected"),
        ([1, 1], [1, 2], {}, "increase"),
    ],
)
def test_refusals(steps, curve, options, message):
    with pytest.raises(ValueError, match=message):
        find_dips(steps, curve, **({"sign": 1} | options))


@pytest.mark.parametrize("options", [{"threshold": 0}, {"recovery_share": 0.4}, {"recovery_share": 1.1}])
def test_options_outside_their_range_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}.*expected > 0 and 0.5 to 1"):
        DipOptions(**options)
