"""Depth, recovery, area, horizon and comparisons against values worked out by hand, at unequal steps, up and down."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.dips import analyze

# Gaps of 10, 20, 30 and 40 steps. Falls from 8 at step 10 to 2 at step 30, is back to 8 at step 100.
STEPS = np.array([0.0, 10, 30, 60, 100])
CURVE = np.array([6.0, 8, 2, 5, 8])
UNEQUAL = {"steps": STEPS, "noise": "exact", "threshold": 1}


def both_ways(values):
    """The curves with up as good, and turned over with down as good."""
    return [(values, "up"), (10 - np.asarray(values), "down")]


@pytest.mark.parametrize(("curve", "good"), both_ways(CURVE), ids=["up", "down"])
def test_a_dip_at_unequal_steps(curve, good):
    dip = analyze(curve, good=good, horizon=60, **UNEQUAL).seeds.iloc[0]
    assert (dip["depth"], dip["onset_step"], dip["trough_step"], dip["class"]) == (6, 10, 30, "late")
    # Nine tenths of 6 points are back at 7.4: 2.4 of the 3 points from step 60 to step 100.
    assert dip["recovery_step"] == pytest.approx(60 + 40 * 2.4 / 3) and dip["duration"] == pytest.approx(82)
    # Loss below 8: 0 to 6 in 20 steps, 6 to 3 in 30, 3 to 0.6 in 32.
    assert dip["area"] == pytest.approx(20 * 3 + 30 * 4.5 + 32 * 1.8)
    assert dip["recovered_fraction"] == pytest.approx(1) and dip["temporary_depth"] == 6


HORIZONS = [(30, 6), (29, 0), ("30%", 6), ("29.9%", 0), (0.3, 6), ("100%", 6)]


@pytest.mark.parametrize(("horizon", "depth"), HORIZONS)
@pytest.mark.parametrize(("curve", "good"), both_ways(CURVE), ids=["up", "down"])
def test_a_horizon_is_a_step_or_a_share_of_the_way_from_the_first_step_to_the_last(curve, good, horizon, depth):
    found = analyze(curve, good=good, horizon=horizon, **UNEQUAL)
    assert found.seeds["depth"].tolist() == [depth]
    if isinstance(horizon, str):  # a share does not begin at step 0 where the run does not
        late = analyze(curve, good=good, horizon=horizon, **(UNEQUAL | {"steps": STEPS + 1_000}))
        assert late.seeds["depth"].tolist() == [depth]


@pytest.mark.parametrize(("baseline", "depth", "onset"), [(0, 6, 10), ("10%", 6, 10), (11, 0, None)])
def test_falls_count_from_the_baseline(baseline, depth, onset):
    found = analyze(CURVE, good="up", horizon="100%", baseline=baseline, **UNEQUAL).seeds.iloc[0]
    assert found["depth"] == depth and (onset is None or found["onset_step"] == onset)


@pytest.mark.parametrize(("window", "forgetting"), [(20, 6), (50, 6), (10, 0)])
def test_forgetting_at_unequal_steps_looks_as_far_as_its_window(window, forgetting):
    found = analyze(CURVE, good="up", horizon="100%", window=window, **UNEQUAL)
    assert found.seeds["forgetting"].tolist() == [forgetting]


@pytest.mark.parametrize("good", ["up", "down"])
def test_arms_of_different_numbers_of_seeds_are_compared_as_samples(good):
    """Depths 6, 0, 6, 0 … of 8 seeds and 6, 6, 0, 0, 0, 0 of 6: means 3 and 2, shares 1/2 and 1/3."""
    rise = np.sort(CURVE)
    arms = {"a": np.array([CURVE, rise] * 4), "b": np.array([CURVE] * 2 + [rise] * 4)}
    curves = arms if good == "up" else {name: 10 - each for name, each in arms.items()}
    found = analyze(curves, good=good, horizon="100%", **UNEQUAL)
    assert found.population["seeds"].tolist() == [8, 6] and found.population["dips"].tolist() == [4, 2]
    assert found.population["depth_mean"].tolist() == [3, 2]
    rows = found.comparison.set_index("quantity")
    assert not rows["paired"].any() and (rows["pairs"] == 6).all()
    assert rows.loc["depth", "difference"] == pytest.approx(-1)
    assert rows.loc["prevalence_pct", "difference"] == pytest.approx(-100 / 6)
    # Fisher's exact test of 4 of 8 against 2 of 6: all tables but that of 3 and 3, 1 - C(8, 3) C(6, 3) / C(14, 6).
    assert rows.loc["prevalence_pct", "p_value"] == pytest.approx(1 - 56 * 20 / 3003)
