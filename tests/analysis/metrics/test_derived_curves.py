"""Derived curves against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from momentum_jax.analysis.metrics.derived_curves import curves_kept, derive_curves, failed_steps, percentages
from momentum_jax.env.momentum_diagnostics import ACTIONS, MOMENTUM, SETUP_SCORES
from momentum_jax.run_directory import load_run


def counts(table) -> xr.Dataset:
    dims, coords = ("setup_score", "action"), {"setup_score": list(SETUP_SCORES), "action": list(ACTIONS)}
    return xr.Dataset({"flat_count": xr.DataArray(np.array(table), dims=dims, coords=coords), "bad_chase": 2})


def test_percentages_by_hand():
    table = np.zeros((5, 6), int)
    table[0] = [6, 3, 1, 0, 0, 0]
    table[3] = [1, 2, 1, 0, 0, 4]
    table[4] = [0, 2, 0, 0, 0, 0]
    shares = percentages(counts(table), MOMENTUM)
    assert shares["hold_pct"] == 100 * 7 / 20
    assert shares["call_pct"] == 100 * 7 / 20
    assert shares["put_pct"] == 100 * 2 / 20
    assert shares["buy_pct"] == 100 * 9 / 20
    assert shares["strong_buy_pct"] == 100 * 5 / 10
    assert shares["weak_buy_pct"] == 100 * 4 / 10
    assert shares["chase_pct"] == 100 * 2 / 9


def test_nothing_counted_is_nan():
    shares = percentages(counts(np.zeros((5, 6), int)), MOMENTUM)
    assert all(np.isnan(shares[name]) for name in shares)


def test_a_setup_without_decisions_is_nan_and_the_rest_is_not():
    table = np.zeros((5, 6), int)
    table[1, 0] = 3
    shares = percentages(counts(table), MOMENTUM)
    assert shares["hold_pct"] == 100 and shares["weak_buy_pct"] == 0 and np.isnan(shares["strong_buy_pct"])


def test_windowed_and_cumulative_turn_into_each_other(simulate):
    ds = load_run(simulate(steps=(0, 1_000, 2_000, 5_000)))
    curves = derive_curves(ds)
    assert np.isnan(curves["hold_pct"].isel(checkpoint=0)).all()
    total = ds["flat_count"].sum(["setup_score", "action"]).cumsum("checkpoint")
    held = curves["hold_pct_cumulative"].fillna(0) * total
    windowed = held.diff("checkpoint") / total.diff("checkpoint")
    np.testing.assert_allclose(windowed, curves["hold_pct"].isel(checkpoint=slice(1, None)))
    buys = curves["call_pct"] + curves["put_pct"]
    np.testing.assert_allclose(buys, curves["buy_pct"])


def test_probabilities_are_weighted_by_probe_states(simulate):
    ds = load_run(simulate(steps=(0, 1_000), num_seeds=2))
    ds["probe_count"][:] = 0
    ds["probe_count"].loc[{"setup_score": 0, "probe_half": "A"}] = 3
    ds["probe_count"].loc[{"setup_score": 4, "probe_half": "B"}] = 1
    ds["p_action"][:] = np.nan
    ds["p_action"].loc[{"setup_score": 0, "probe_half": "A"}] = [0.2, 0.5, 0.3, 0, 0, 0]
    ds["p_action"].loc[{"setup_score": 4, "probe_half": "B"}] = [0.6, 0.3, 0.1, 0, 0, 0]
    curves = derive_curves(ds)
    np.testing.assert_allclose(curves["p_hold"], 100 * (3 * 0.2 + 0.6) / 4)
    np.testing.assert_allclose(curves["p_hold_half"].sel(probe_half="A"), 20)
    np.testing.assert_allclose(curves["p_hold_half"].sel(probe_half="B"), 60)
    np.testing.assert_allclose(curves["p_buy_strong"], 40)
    np.testing.assert_allclose(curves["p_buy_weak"], 80)


def test_triggers_add_up(simulate):
    ds = load_run(simulate(steps=(0, 1_000, 3_000)))
    total = derive_curves(ds)["good_buy_cumulative"]
    np.testing.assert_array_equal(total.isel(checkpoint=-1), ds["good_buy"].sum("checkpoint"))
    assert total.attrs["kind"] == "cumulative"


def test_a_failed_seed_is_nan_from_its_step_on(simulate):
    ds = load_run(simulate(failed={(1, 2): 3_000}))
    assert failed_steps(ds).values.tolist() == [[-1] * 6, [-1, -1, 3_000, -1, -1, -1]]
    curves = derive_curves(ds)
    broken = curves.isel(arm=1, seed=2)
    before = ds["env_steps"].values < 3_000
    for name in ("hold_pct_cumulative", "p_hold", "good_buy_cumulative"):
        assert np.isnan(broken[name].values[~before]).all(), name
    assert not np.isnan(broken["p_hold"].values[before]).any()
    assert not np.isnan(curves["p_hold"].isel(arm=0)).any()


@pytest.mark.parametrize(
    ("name", "kind", "estimator", "good_direction"),
    [
        ("hold_pct", "windowed", "sampled", -1),
        ("strong_buy_pct_cumulative", "cumulative", "sampled", 1),
        ("p_hold", "instant", "exact", -1),
    ],
)
def test_attributes(simulate, name, kind, estimator, good_direction):
    attributes = derive_curves(load_run(simulate(steps=(0, 1_000))))[name].attrs
    assert attributes["units"] == "%" and attributes["long_name"] and attributes["denominator"]
    assert (attributes["kind"], attributes["estimator"]) == (kind, estimator)
    assert attributes["good_direction"] == good_direction


def test_curves_are_kept_of_one_dataset_for_a_while_only(simulate):
    ds = load_run(simulate(steps=(0, 1_000), num_seeds=2)).load()
    with curves_kept(ds):
        kept = derive_curves(ds)
        assert derive_curves(ds) is kept and derive_curves(ds.copy()) is not kept
    ds["p_action"][:] = 0.5
    assert not np.array_equal(derive_curves(ds)["p_hold"], kept["p_hold"])
