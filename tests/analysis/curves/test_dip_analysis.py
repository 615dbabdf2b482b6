"""Dips of curves from anywhere: examples by hand, invariances, agreement with a report, the answer's words, JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.inputs import to_curve_set
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.report.run_tables import dip_table, dip_thresholds
from momentum_jax.dips import CurveSet, analyze
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import load_run

STEPS = [0, 10, 20, 30, 40, 50]
# Falls from 4 to 1 between 10 and 20, back to 4 at 40; never falls; falls from 3 to 2.5 and stays there.
HAND = np.array([[0, 4, 1, 2.5, 4, 6], [0, 1, 2, 3, 4, 5], [0, 2, 3, 2.5, 2.5, 2.5]])
EXACT = {"good": "up", "noise": "exact", "horizon": 40, "threshold": 1}


def noisy_curves(seeds=24, checkpoints=40, dips=6, seed=0, depth=12.0):
    """[seed, K]: rising curves with noise 1, of which the first ones dip early."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, checkpoints)
    curves = 20 * (1 - np.exp(-4 * time)) + rng.normal(size=(seeds, checkpoints))
    curves[:dips] -= 2 * depth * np.exp(-(((time - 0.15) / 0.04) ** 2))
    return curves


def test_an_example_by_hand():
    found = analyze(HAND, steps=STEPS, **EXACT)
    seeds = found.seeds
    assert seeds["depth"].tolist() == [3, 0, 0.5]
    assert seeds["is_dip"].tolist() == [True, False, False]
    assert seeds["class"].tolist() == ["recovered", "none", "none"]
    dip = seeds.iloc[0]
    assert (dip["onset_step"], dip["onset_value"], dip["trough_step"], dip["trough_value"]) == (10, 4, 20, 1)
    # 90 % of 3 points are back at 3.7, between 2.5 at step 30 and 4 at step 40.
    assert dip["recovery_step"] == pytest.approx(38)
    assert dip["area"] == pytest.approx(15 + 22.5 + 1.5 * 8 - 0.5 * 0.15 * 64)
    assert seeds["baseline_value"].tolist() == [0, 0, 0] and seeds["final_value"].tolist() == [6, 5, 2.5]
    assert found.population["prevalence_pct"].tolist() == [pytest.approx(100 / 3)]
    assert found.answer == "1 of 3 seeds dip by step 40: no verdict below 6 seeds."


def test_forgetting_is_the_largest_fall_within_the_window():
    slow = np.array([[10.0, 8, 6, 4, 2, 0], [0, 10, 1, 2, 3, 4]])
    found = analyze(slow, steps=STEPS, **(EXACT | {"horizon": "100%", "window": 20}))
    assert found.seeds["depth"].tolist() == [10, 9] and found.seeds["forgetting"].tolist() == [4, 9]


@pytest.fixture(scope="module")
def plain():
    return analyze(noisy_curves(), steps=np.arange(40) * 100.0, good="up", threshold=5, horizon=1_000)


SIZES = ["depth", "temporary_depth", "forgetting", "noise_floor"]


def same_seeds(found, expected, sizes=1.0, steps=1.0):
    """The frames agree, sizes and steps being multiplied."""
    times = dict.fromkeys(SIZES, sizes) | dict.fromkeys(["onset_step", "trough_step", "recovery_step"], steps)
    for name, factor in times.items():
        np.testing.assert_allclose(found.seeds[name], factor * expected.seeds[name], rtol=1e-5, atol=1e-9)
    assert found.seeds["is_dip"].tolist() == expected.seeds["is_dip"].tolist()
    assert found.seeds["class"].tolist() == expected.seeds["class"].tolist()


CHANGES = {
    "shifted": ({"curves": lambda x: x + 1_000}, 1, 1),
    "scaled": ({"curves": lambda x: 3 * x, "threshold": 15}, 3, 1),
    "scaled to tiny values": ({"curves": lambda x: 1e-13 * x, "threshold": 5e-13}, 1e-13, 1),
    "scaled to huge values": ({"curves": lambda x: 1e13 * x, "threshold": 5e13}, 1e13, 1),
    "turned over": ({"curves": lambda x: -x, "good": "down"}, 1, 1),
    "on another clock": ({"steps": np.arange(40) * 7.0, "horizon": 70}, 1, 0.07),
    "by a share of the run": ({"horizon": f"{1_000 / 39}%"}, 1, 1),
}


@pytest.mark.parametrize(("changed", "sizes", "steps"), CHANGES.values(), ids=CHANGES)
def test_the_dips_do_not_depend_on_unit_origin_direction_or_clock(plain, changed, sizes, steps):
    options = {"steps": np.arange(40) * 100.0, "good": "up", "threshold": 5, "horizon": 1_000} | changed
    curves = options.pop("curves", lambda x: x)(noisy_curves())
    assert plain.seeds["is_dip"].sum() == 6
    same_seeds(analyze(curves, **options), plain, sizes, steps)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_verdicts_do_not_depend_on_the_size_of_the_values(size):
    arms = {"a": noisy_curves(), "b": noisy_curves(dips=2, seed=1), "still": np.full((24, 40), 3.0)}
    usual, other = (
        analyze({arm: times * each for arm, each in arms.items()}, good="up", noise="exact") for times in (1.0, size)
    )
    assert other.seeds["class"].tolist() == usual.seeds["class"].tolist() and usual.seeds["is_dip"].sum() == 15
    for table in ("population", "comparison"):
        left, right = getattr(other, table), getattr(usual, table)
        flags = [name for name in right if name.endswith("_flag")]
        assert left[flags].to_numpy().tolist() == right[flags].to_numpy().tolist()
    assert (usual.population.set_index("arm")["depth_mean_flag"] == "constant").tolist() == [False, False, True]
    np.testing.assert_allclose(other.comparison["p_value"], usual.comparison["p_value"])
    np.testing.assert_allclose(other.by_step["median_low"], size * usual.by_step["median_low"], rtol=1e-4)
    word = r"(shallower|deeper|undecided)"
    assert re.findall(word, " ".join(other.details)) == re.findall(word, " ".join(usual.details)) != []


def test_a_run_exported_as_a_data_array_has_the_dips_of_its_report(simulate):
    ds = load_run(simulate(num_seeds=8))
    curves, table, thresholds = derive_curves(ds), dip_table(ds), dip_thresholds(ds, derive_curves(ds))
    assert len(thresholds) >= 2
    for name, threshold in thresholds.items():
        exported = curves[name]
        for baseline in (0, 5_000):
            good = "up" if exported.attrs["good_direction"] > 0 else "down"
            options = {"threshold": threshold, "horizon": 25_000, "baseline": baseline, "allow_missing": True}
            found = analyze(exported, good=good, noise="exact", **options).seeds
            expected = table[(table["metric"] == name) & (table["baseline"] == baseline)].reset_index()
            assert expected["has_dip"].any()
            assert found["arm"].tolist() == expected["arm"].tolist()
            assert found["is_dip"].tolist() == expected["has_dip"].tolist()
            assert found["class"].tolist() == expected["class"].tolist()
            for column in (
                "depth",
                "temporary_depth",
                "onset_step",
                "trough_step",
                "recovery_step",
                "duration",
                "area",
            ):
                np.testing.assert_allclose(found[column], expected[column], rtol=1e-12, err_msg=f"{name} {column}")


def test_a_dip_has_to_reach_the_threshold_and_exceed_its_noise():
    found = analyze(noisy_curves(depth=2.5), good="up", threshold=0.5).seeds
    loud, deep = found["exceeds_noise"], found["reaches_threshold"]
    assert deep.sum() > found["is_dip"].sum()
    assert found["is_dip"].tolist() == (loud & deep).tolist()
    assert set(found["class"][deep & ~loud]) == {"within noise"}
    assert set(found["class"][~deep]) == {"none"}
    high = analyze(noisy_curves(), good="up", threshold=1_000).seeds
    assert high["exceeds_noise"].any() and not high["is_dip"].any()


def test_an_arm_of_one_seed_beside_one_of_many_has_its_own_noise():
    many, one = noisy_curves(), noisy_curves(seeds=1, dips=0, seed=3)
    beside = analyze({"many": many, "one": one}, good="up", threshold=1).seeds.set_index("arm").loc["one"]
    alone = analyze(one, good="up", threshold=1).seeds.iloc[0]
    assert beside["noise_floor"] == pytest.approx(alone["noise_floor"]) and beside["noise_floor"] > 2


def test_a_seed_with_too_few_values_for_its_noise_is_said():
    curves = noisy_curves()
    curves[0, 3:] = np.nan
    curves[0, :3] = [9, 0, 9]
    curves[1, 30:] = np.nan
    found = analyze(curves, good="up", threshold=1, allow_missing=True, noise="estimated")
    assert found.seeds["noise_floor"][0] > 9 and found.seeds["judged"].all()
    curves[0, 2] = np.nan
    found = analyze(curves, good="up", threshold=1, allow_missing=True, noise="estimated")
    assert np.isnan(found.seeds["noise_floor"][0]) and found.seeds["is_dip"].sum() == 5
    assert found.caveats[1].startswith("1 of 24 seeds are not judged, and count neither as dips nor as none")


def test_the_control_decides_where_it_is_asked_to():
    arms = {"arm": noisy_curves(seeds=40, dips=20), "control": noisy_curves(seeds=40, dips=0, seed=1)}
    found = analyze(arms, good="up", noise="exact", threshold="control:control")
    by_arm = found.seeds.groupby("arm")["is_dip"].sum()
    assert by_arm["control"] <= 2 and by_arm["arm"] >= 20
    assert "(0.95 quantile of the control control)" in found.choices.threshold.words
    with pytest.raises(ConfigError, match="has 6 seeds, expected 19 or more"):
        analyze({name: each[:6] for name, each in arms.items()}, good="up", threshold="control:control")


def test_a_depth_that_the_control_reaches_as_well_is_no_dip():
    same = np.tile(HAND[:1], (20, 1))
    found = analyze({"arm": same, "control": same}, **(EXACT | {"threshold": "control:control"}))
    assert not found.seeds["is_dip"].any() and (found.seeds["depth"] == 3).all()


def test_a_control_without_any_fall_leaves_every_fall_a_dip():
    rising = np.tile(np.arange(6.0), (20, 1))
    found = analyze({"a": np.vstack([HAND, rising]), "still": rising}, **(EXACT | {"threshold": "control:still"}))
    assert found.seeds.groupby("arm")["is_dip"].sum().tolist() == [2, 0]


def test_what_was_not_given_is_derived_and_said():
    found = analyze(noisy_curves(), good="up")
    assert found.choices.horizon.step == 0.25 * 39 and found.choices.noise == "estimated"
    spread = np.ptp(noisy_curves())
    assert found.choices.threshold.value == pytest.approx(0.05 * spread)
    assert found.caveats[-1] == "Not given, so derived: horizon, threshold, noise."
    assert "dip within the first 25 % of the run: " in found.answer
    assert "no steps were given: checkpoints are numbered from 0" in found.notes
    given = analyze(noisy_curves(), good="up", horizon=20, threshold=5, noise="estimated")
    assert "derived" not in " ".join([given.answer, *given.caveats])


def test_the_range_of_a_threshold_is_that_of_all_values_or_of_the_mean_curves():
    curves = np.array([[0.0, 10, 0, 4], [0, 0, 10, 4]])
    assert analyze(
        curves, good="up", threshold="10%", horizon=3, noise="exact"
    ).choices.threshold.value == pytest.approx(1)
    of_mean = analyze(curves, good="up", threshold="10% of mean", horizon=3, noise="exact").choices.threshold
    assert of_mean.value == pytest.approx(0.5)
    assert of_mean.words == "at least 0.5 (10 % of the range of the mean curves)"


def test_few_seeds_and_one_have_no_interval():
    for seeds in (1, 5):
        found = analyze(HAND[np.arange(seeds) % 3], steps=STEPS, **EXACT)
        ends = found.population.filter(regex="_(low|high)$").to_numpy(float)
        assert np.isnan(ends).all() and np.isnan(found.by_step.filter(regex="_(low|high)$").to_numpy(float)).all()
        assert found.sample_size.empty


def test_arms_are_pairs_where_their_seeds_are_the_same():
    a, b = noisy_curves(seeds=20, dips=12), noisy_curves(seeds=20, dips=2, seed=1)
    table = analyze({"a": a, "b": b}, good="up", threshold=5).comparison
    assert table["quantity"].tolist() == ["depth", "prevalence_pct", "forgetting"]
    assert table["paired"].all() and (table["pairs"] == 20).all()
    assert (table["difference_high"] < 0).all() and (table["p_holm"] >= table["p_value"]).all()
    other = analyze({"a": a, "b": b[:9]}, good="up", threshold=5)
    assert not other.comparison["paired"].any() and (other.comparison["pairs"] == 9).all()
    assert "on other seeds" in " ".join(other.details)
    assert analyze(a, good="up").comparison.empty


def test_the_difference_of_pairs_is_that_of_the_same_label():
    first = CurveSet(values=HAND[None], steps=STEPS, arms=("a",), seeds=(3, 1, 2))
    second = CurveSet(values=HAND[[1, 2, 0]][None], steps=STEPS, arms=("b",), seeds=(1, 2, 3))
    found = analyze({"a": first, "b": second}, **EXACT)
    assert found.comparison["difference"].tolist() == [0, 0, 0] and found.comparison["pairs"].tolist() == [3, 3, 3]
    assert found.comparison["correlation"].tolist() == pytest.approx([1, 1, 1])
    by_arm = found.seeds.pivot(index="seed", columns="arm", values="depth")
    assert by_arm["a"].tolist() == by_arm["b"].tolist()


def test_the_chosen_cell_of_the_grid_is_the_answer():
    found = analyze({"a": noisy_curves(), "b": noisy_curves(seed=1)}, good="up", threshold=5)
    cell = found.sensitivity[found.sensitivity["chosen"]]
    assert cell["arm"].tolist() == ["a", "b"]
    for column in ("seeds", "dips", "prevalence_pct", "prevalence_pct_low", "depth_mean"):
        np.testing.assert_allclose(cell[column], found.population[column])
    grid = found.sensitivity[found.sensitivity["arm"] == "a"]
    assert not grid.duplicated(["horizon_step", "baseline_step", "threshold"]).any()
    by_horizon = grid[grid["baseline_step"] == 0].groupby("horizon_step")["depth_mean"].first()
    assert (by_horizon.diff().dropna() >= 0).all()
    by_threshold = grid.sort_values("threshold").groupby(["horizon_step", "baseline_step"])["dips"]
    assert by_threshold.agg(lambda dips: (np.diff(dips) <= 0).all()).all()


def test_everything_is_json_without_nan():
    found = analyze({"a": noisy_curves(), "b": noisy_curves(seeds=3)}, good="up")

    def refuse(literal):
        raise AssertionError(literal)

    whole = json.loads(found.to_json(), parse_constant=refuse)
    assert whole["schema"] == "momentum_jax.dips/1" and whole["answer"] == found.answer
    assert whole["choices"]["horizon"] == {"step": 9.75, "words": "the first 25 % of the run (step 9.75)"}
    assert len(whole["seeds"]) == 27 and whole["population"][1]["prevalence_pct_low"] is None
    assert [row["is_dip"] for row in whole["seeds"]] == found.seeds["is_dip"].tolist()


def test_the_tables_are_those_of_all_arms():
    found = analyze({"a": noisy_curves(), "b": noisy_curves(seed=1)}, good="up", steps=np.arange(40) * 2)
    assert found.by_step.groupby("arm").size().tolist() == [40, 40]
    inner = found.by_step
    assert ((inner["mean_low"] <= inner["mean_point_low"] + 0.2) & (inner["mean_low"] < inner["mean"])).all()
    assert (inner["one_more_low"] < inner["q05"]).all() and (inner["one_more_high"] > inner["q95"]).all()
    np.testing.assert_allclose(inner["range_50"], inner["q75"] - inner["q25"])
    assert isinstance(found.population, pd.DataFrame) and found.population["arm"].tolist() == ["a", "b"]
    assert found.sample_size["seeds_needed"].notna().all()


def test_the_direction_is_that_of_the_source_where_none_is_given():
    curves = replace(to_curve_set(-HAND, steps=STEPS), good="down", value_name="hold")
    options = {name: value for name, value in EXACT.items() if name != "good"}
    found = analyze(curves, **options)
    assert found.choices.good == "down" and found.seeds["depth"].tolist() == [3, 0, 0.5]
    assert "no direction was given: the source says of hold that down is good" in found.notes
    assert "no direction" not in " ".join(analyze(curves, good="down", **options).notes)
