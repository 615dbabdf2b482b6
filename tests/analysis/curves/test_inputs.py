"""Curves in every form that a user has, all the same set; what cannot be is refused in one line whose advice works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from momentum_jax.analysis.curves.inputs import to_curve_set, with_standard_errors
from momentum_jax.dips import CurveSet, analyze
from momentum_jax.fields import ConfigError

STEPS = np.array([0.0, 100, 200, 400])
VALUES = np.array([[[0.0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9, 10, 11], [12, 13, 14, 15]]])
EXPECTED = CurveSet(values=VALUES, steps=STEPS, arms=("a", "b"), seeds=("5", "6"))


def tidy(values=VALUES, arms=("a", "b"), seeds=(5, 6)):
    rows = [
        {"arm": arm, "seed": seed, "step": step, "value": values[i, j, k]}
        for i, arm in enumerate(arms)
        for j, seed in enumerate(seeds)
        for k, step in enumerate(STEPS)
    ]
    return pd.DataFrame(rows)


def data_array():
    coords = {"arm": ["a", "b"], "seed": [5, 6], "env_steps": ("checkpoint", STEPS)}
    return xr.DataArray(VALUES, dims=("arm", "seed", "checkpoint"), coords=coords)


FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "array": (VALUES, {"steps": STEPS, "arms": ("a", "b"), "seeds": (5, 6)}),
    "lists": (VALUES.tolist(), {"steps": STEPS.tolist(), "arms": ["a", "b"], "seeds": ["5", "6"]}),
    "data array": (data_array(), {}),
    "turned data array": (data_array().transpose("checkpoint", "arm", "seed"), {}),
    "table": (tidy(), {}),
    "shuffled table": (tidy().sample(frac=1, random_state=4).sort_values(["arm", "seed"]), {}),
    "mapping of arrays": ({"a": VALUES[0], "b": VALUES[1]}, {"steps": STEPS, "seeds": (5, 6)}),
    "mapping of tables": ({"a": tidy(VALUES[:1], ("x",)), "b": tidy(VALUES[1:], ("y",))}, {}),
    "mapping of data arrays": ({"a": data_array().sel(arm="a"), "b": data_array().sel(arm=["b"])}, {}),
    "curve set": (EXPECTED, {}),
}


@pytest.mark.parametrize(("curves", "options"), FORMS.values(), ids=FORMS)
def test_every_form_is_the_same_set(curves, options):
    found = to_curve_set(curves, **options)
    np.testing.assert_array_equal(found.values, VALUES)
    np.testing.assert_array_equal(found.steps, STEPS)
    assert found.arms == ("a", "b") and found.seeds == ("5", "6")


def test_an_array_of_two_dimensions_is_one_arm_and_of_one_dimension_one_seed():
    assert to_curve_set(VALUES[0]).values.shape == (1, 2, 4)
    assert to_curve_set(VALUES[0, 0]).values.shape == (1, 1, 4)
    assert to_curve_set(VALUES).arms == ("arm 0", "arm 1")


def test_a_data_array_brings_its_name_unit_and_direction():
    named = data_array().rename("hold_pct").assign_attrs(units="%", good_direction=-1)
    found = to_curve_set(named)
    assert (found.value_name, found.unit, found.good) == ("hold_pct", "%", "down")
    assert to_curve_set(data_array().assign_attrs(units="1")).unit == ""


def test_a_table_brings_its_standard_errors_and_counts():
    table = tidy().assign(standard_error=0.5, successes=2, totals=4)
    found = to_curve_set(table)
    assert found.standard_errors is not None and (found.standard_errors == 0.5).all()
    assert found.successes is not None and (found.successes == 2).all() and (found.totals == 4).all()


def test_noise_may_be_a_number_or_an_array_of_standard_errors():
    curves = np.tile([0.0, 3, 1, 2, 3, 4], (8, 1))
    floors = [
        analyze(curves, good="up", threshold=1, horizon="100%", noise=noise).seeds["noise_floor"].tolist()
        for noise in (0.5, "0.5", np.full(6, 0.5), np.full((8, 6), 0.5))
    ]
    assert floors[0] == floors[1] == floors[2] == floors[3] and 1.5 < floors[0][0] < 3
    with pytest.raises(ConfigError, match=r"noise: found an array \(5,\), expected standard errors \(1, 8, 6\)"):
        analyze(curves, good="up", noise=np.ones(5))


def test_counts_may_be_fractions_or_percentages():
    totals = np.full((1, 8, 12), 50.0)
    counts = np.random.default_rng(0).binomial(50, 0.5, totals.shape).astype(float)
    options = {"good": "up", "horizon": "100%", "threshold": "noise"}
    floors = [
        analyze(
            CurveSet(values=whole * counts / totals, steps=np.arange(12), successes=counts, totals=totals), **options
        )
        for whole in (100, 1)
    ]
    percent, fraction = (found.seeds["noise_floor"].to_numpy() for found in floors)
    np.testing.assert_allclose(percent, 100 * fraction)
    assert 15 < percent[0] < 60


def test_curves_that_end_early_are_filled_up_where_that_is_allowed():
    found = to_curve_set([[1.0, 2, 3], [1, 2]], allow_missing=True)
    np.testing.assert_array_equal(found.values, [[[1, 2, 3], [1, 2, np.nan]]])


def test_what_is_masked_is_missing():
    hidden = np.zeros(VALUES.shape, bool)
    hidden[0, 1, 2] = hidden[1, 0, 3] = True
    masked = np.ma.masked_array(np.where(hidden, -9999, VALUES).astype(int), hidden)
    expected = np.where(hidden, np.nan, VALUES)
    for form in (masked, list(masked), {"a": masked[0], "b": list(masked[1])}, [list(arm) for arm in masked]):
        np.testing.assert_array_equal(to_curve_set(form, allow_missing=True).values, expected)
        with pytest.raises(ConfigError, match="expected a number; pass allow_missing=True"):
            to_curve_set(form)
    errors = with_standard_errors(EXPECTED, np.ma.masked_array(np.ones(VALUES.shape), hidden)).standard_errors
    np.testing.assert_array_equal(errors, np.where(hidden, np.nan, 1.0))
    np.testing.assert_array_equal(to_curve_set(np.ma.masked_array(VALUES)).values, VALUES)
    with pytest.raises(ConfigError, match="steps: found"):
        to_curve_set(VALUES, steps=np.ma.masked_array(STEPS, STEPS == 100))


def test_arms_with_other_seeds_have_rows_of_nan_that_are_no_missing_values():
    found = to_curve_set({"a": VALUES[0], "b": VALUES[1, :1]}, steps=STEPS)
    assert found.seeds_of(0) == ("0", "1") and found.seeds_of(1) == ("0",)


def test_arms_may_have_other_numbers_of_replicates_and_one_may_say_its_direction():
    def arm(replicates, **options):
        each = np.random.default_rng(0).normal(size=(1, 2, replicates, 4))
        return CurveSet(values=each.mean(axis=2), steps=STEPS, replicates=each, **options)

    found = to_curve_set({"a": arm(3), "b": arm(5, good="down")})
    assert found.replicates is not None and found.good == "down"
    assert (~np.isnan(found.replicates)).sum(axis=2)[:, 0, 0].tolist() == [3, 5]


def test_a_share_is_a_share_of_the_run_however_it_is_written():
    curves = np.tile(np.arange(12.0), (8, 1))
    for share in (0.5, "0.5", "50%", "50 %"):
        found = analyze(curves, good="up", noise="exact", steps=100 + 10 * np.arange(12), horizon=share)
        assert found.choices.horizon == (155, "the first 50 % of the run (step 155)")
    assert analyze(curves, good="up", noise="exact", horizon=7).choices.horizon == (7, "step 7")


@dataclass(frozen=True)
class Refused:
    """Input that cannot be, a part of the message, and what makes it good where that is an argument."""

    curves: Any
    message: str
    options: dict[str, Any] = field(default_factory=dict)
    remedy: dict[str, Any] | None = None


def with_value(value, name="values"):
    array = VALUES.copy()
    array[1, 0, 2] = value
    return CurveSet(**{"values": VALUES, name: array}, steps=STEPS, arms=("a", "b"), seeds=(5, 6))


NAN = with_value(np.nan)
LONG = np.tile(np.arange(12.0), (8, 1))
TWO = {"a": LONG, "b": LONG}
BAD = {
    "nan": Refused(NAN, "arm 'b', seed 5, step 200: found nan", remedy={"allow_missing": True}),
    "infinite": Refused(np.array([[1, np.inf, 2, 3.0]]), "seed 0, step 1: found inf, expected a finite number"),
    "lengths": Refused(
        [[1.0, 2, 3, 4, 5], [1, 2]], "found 5 values of the first seed and 2", remedy={"allow_missing": True}
    ),
    "lost row": Refused(tidy().drop(index=2), "arm 'a', seed 5, step 200: found nan", remedy={"allow_missing": True}),
    "steps": Refused(LONG, "steps: found 3 and then 3 at place 4", {"steps": [0, 1, 2, 3, 3, 5, 6, 7, 8, 9, 10, 11]}),
    "number of steps": Refused(LONG, r"steps have shape \(3,\), expected \[12\]", {"steps": [0, 1, 2]}),
    "text": Refused([["a", "b"]], "curves: found something that is no number"),
    "shape": Refused(np.zeros((1, 1, 1, 1)), r"expected \[K\], \[seed, K\] or \[arm, seed, K\]"),
    "nothing": Refused({}, "curves: found no arm"),
    "empty seed": Refused(
        np.vstack([LONG[:1], LONG[:1] * np.nan]), "seed 1: found no value at all.*leave", {}, {"allow_missing": True}
    ),
    "column": Refused(tidy().drop(columns="step"), "expected seed, step, value .and arm.; absent: step"),
    "word in a column": Refused(tidy().assign(value="x"), "no number in column 'value'"),
    "twice": Refused(pd.concat([tidy(), tidy()[:1]]), "found two values of arm 'a', seed 5, step 0"),
    "no rows": Refused(tidy()[:0], "table: found no rows"),
    "dims": Refused(xr.DataArray(VALUES, dims=("run", "seed", "step")), "DataArray: found the dimensions"),
    "both steps": Refused(data_array(), "steps: found beside a DataArray", {"steps": STEPS}),
    "units": Refused(
        {"a": data_array().sel(arm="a"), "b": data_array().sel(arm="b").assign_attrs(units="%")},
        "arms: found mixed units",
    ),
    "metrics": Refused(
        {"a": data_array().sel(arm="a"), "b": data_array().sel(arm="b").rename("loss")}, "arms: found mixed metrics"
    ),
    "directions of curves": Refused(
        {
            "a": data_array().sel(arm="a").assign_attrs(good_direction=1),
            "b": data_array().sel(arm="b").assign_attrs(good_direction=-1),
        },
        "arms: found mixed directions .a: 'up', b: 'down'.",
    ),
    "steps of arms": Refused({"a": tidy(VALUES[:1], "a"), "b": LONG}, "arms: found other steps in 'b' than in 'a'"),
    "mixed directions": Refused(
        VALUES, "good: found mixed directions .a up, b down.", {"good": {"a": "up", "b": "down"}}
    ),
    "list of directions": Refused(
        LONG, "good: found .'up'., expected 'up' or 'down'", {"good": ["up"]}, {"good": "up"}
    ),
    "direction of one arm": Refused(
        TWO, "good: found nothing for arm 'b', .*: a, b", {"good": {"a": "up"}}, {"good": {"a": "up", "b": "up"}}
    ),
    "direction of an unknown arm": Refused(
        LONG, "good: found the unknown arm 'zzz', .*: all", {"good": {"zzz": "up"}}, {"good": {"all": "up"}}
    ),
    "no direction": Refused(LONG, "good: found nothing, expected 'up' or 'down'", {"good": None}, {"good": "up"}),
    "direction": Refused(LONG, "good: found 'higher', expected 'up' or 'down'", {"good": "higher"}, {"good": "up"}),
    "other direction": Refused(
        data_array().assign_attrs(good_direction=-1), "the curves themselves say that down is good"
    ),
    "horizon": Refused(LONG, "horizon='soon': expected a number, or a share", {"horizon": "soon"}, {"horizon": "25%"}),
    "early horizon": Refused(LONG, "found 1 of the 12 steps from 0 to 0.49995", {"horizon": "4.545%"}, {"horizon": 5}),
    "share": Refused(LONG, "expected a share of the run from 0 to 100 %", {"horizon": "120%"}, {"horizon": "100%"}),
    "baseline": Refused(LONG, "found 0 of the 12 steps from 20 to 2.75", {"baseline": 20}, {"baseline": 1}),
    "threshold": Refused(LONG, "threshold=-1: expected a number above 0", {"threshold": -1}, {"threshold": "5%"}),
    "threshold in words": Refused(LONG, "threshold='big': expected a number", {"threshold": "big"}, {"threshold": 1}),
    "threshold of exact": Refused(
        LONG, "threshold='noise': found noise='exact'", {"threshold": "noise", "noise": "exact"}, {"noise": "estimated"}
    ),
    "no range": Refused(np.ones((8, 12)), "the values never change, so they have no range", {}, {"threshold": 1}),
    "no control": Refused(LONG, "expected the control arm as well", {"threshold": "control"}),
    "control": Refused(
        VALUES, "threshold='control:zero': expected one of the arms: arm 0, arm 1", {"threshold": "control:zero"}
    ),
    "noise": Refused(LONG, "noise='loud': expected one of exact, counts", {"noise": "loud"}, {"noise": "exact"}),
    "no counts": Refused(
        LONG, "the curves have no successes and no totals", {"noise": "counts"}, {"noise": "estimated"}
    ),
    "no errors": Refused(
        LONG, "the curves have no standard_errors", {"noise": "standard_errors"}, {"noise": "estimated"}
    ),
    "other counts": Refused(
        CurveSet(
            values=VALUES, steps=STEPS, arms=("0", "1"), successes=np.ones_like(VALUES), totals=2 * np.ones_like(VALUES)
        ),
        "counts of arm '0', seed 0, step 0: found 1 of 2 with the value 0",
        {"horizon": "100%", "threshold": 1, "noise": "counts"},
        {"noise": "exact"},
    ),
    "other replicates": Refused(
        CurveSet(values=VALUES[:1], steps=STEPS, replicates=np.ones((1, 2, 3, 4))),
        "replicates of seed 0, step 0: found the mean 1 and the value 0, expected the same",
        {"horizon": "100%", "threshold": 1},
        {"noise": "exact"},
    ),
    "short": Refused(VALUES, "has fewer than 5 checkpoints, expected enough", {"horizon": "100%"}, {"noise": "exact"}),
    "reference": Refused(
        LONG, "reference='c': expected one of the arms: all", {"reference": "c"}, {"reference": "all"}
    ),
    "window": Refused(LONG, "window=0.01: found 0.11 steps, expected 1 or more", {"window": 0.01}, {"window": 1}),
    "level": Refused(LONG, "level=95: expected a confidence", {"level": 95}, {"level": 0.95}),
    "level in words": Refused(LONG, "level='high': expected a confidence", {"level": "high"}, {"level": 0.95}),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused_in_one_line_and_the_advice_works(case):
    options = {"good": "up"} | case.options
    with pytest.raises(ConfigError, match=case.message) as caught:
        analyze(case.curves, **options)
    assert "\n" not in str(caught.value)
    if case.remedy is not None:
        assert analyze(
            case.curves, **({"horizon": "100%", "noise": "exact", "threshold": 1} | options | case.remedy)
        ).answer
