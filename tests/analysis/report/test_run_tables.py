"""Tables: re-windowed counts, dips of simulated seeds, intervals, and text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.claims.verdicts import RunNumbers
from momentum_jax.analysis.dips.definition import SMALLEST_DIP, DipOptions
from momentum_jax.analysis.inference.intervals import mean_interval, wilson_interval
from momentum_jax.analysis.report.formatting import format_table
from momentum_jax.analysis.report.rendering import markdown_table
from momentum_jax.analysis.report.run_tables import checkpoint_table, dip_summary, dip_table, excursion_table
from momentum_jax.config.declared_claims import Criterion
from momentum_jax.run_directory import load_run


def test_rows_are_the_steps_that_are_there_and_the_last(simulate):
    ds = load_run(simulate(steps=(0, 1_000, 5_000, 8_000)))
    table = checkpoint_table(ds, "tune2")
    assert table.index.get_level_values("env_steps").unique().tolist() == [5_000, 8_000]


def test_windows_lie_between_the_rows(simulate):
    ds = load_run(simulate())
    table = checkpoint_table(ds, "tune3", steps=(5_000, 10_000))
    flat = ds["flat_count"].sel(arm="tune3").sum("setup_score")
    late = (ds["env_steps"] > 5_000) & (ds["env_steps"] <= 10_000)
    window = flat.where(late, 0).sum("checkpoint")
    hold = 100 * window.sel(action="HOLD") / window.sum("action")
    row = table.loc[(10_000, "windowed")]
    assert row["hold_pct_median"] == pytest.approx(float(hold.median()))
    assert (row["hold_pct_min"], row["hold_pct_max"]) == pytest.approx((float(hold.min()), float(hold.max())))
    first = table.xs(5_000, level="env_steps")
    assert first.loc["windowed"].equals(first.loc["cumulative"])


def test_failed_seeds_leave_the_rows(simulate):
    ds = load_run(simulate(failed={(0, 1): 9_000}))
    seeds = checkpoint_table(ds, "tune2").xs("cumulative", level="counted")["seeds"]
    assert seeds.loc[5_000] == 6 and seeds.loc[10_000] == 5


def test_one_row_per_arm_metric_baseline_and_seed(simulate):
    dips = dip_table(load_run(simulate(failed={(0, 1): 9_000})))
    assert len(dips) == 2 * 3 * 2 * 6
    assert not dips.duplicated(["arm", "metric", "baseline", "seed"]).any()
    assert set(dips["class"]) <= {"none", "recovered", "late", "partial", "unrecovered"}
    failed = dips[(dips["arm"] == "tune2") & (dips["seed"] == 1)]
    assert (failed["failed_step"] == 9_000).all() and (dips["failed_step"] >= 0).sum() == len(failed)
    exact = dips[(dips["metric"] == "p_hold") & (dips["baseline"] == 5_000) & (dips["failed_step"] < 0)]
    assert (exact["trough_step"] == 10_000).all()
    assert exact["depth"].between(5, 30).all()
    # Nothing lies between the two steps but the rise, so that depth and landmark agree.
    np.testing.assert_allclose(exact["depth"], exact["landmark_depth"])


def test_summary_counts_healthy_seeds(simulate):
    dips = dip_table(load_run(simulate(failed={(0, 1): 9_000})))
    summary = dip_summary(dips).set_index(["arm", "metric", "baseline"])
    row = summary.loc[("tune2", "p_hold", 5_000)]
    assert (row["seeds"], row["failed"], row["dips"]) == (5, 1, 5)
    assert row["prevalence_pct"] == 100 and 0 < row["prevalence_pct_low"] < 100
    assert row["landmark_low"] < row["landmark_mean"] < row["landmark_high"]
    used = dips.query("arm == 'tune2' and metric == 'p_hold' and baseline == 5000 and failed_step < 0")
    assert row["depth_median"] == pytest.approx(used["depth"].median())
    assert row["recovered"] == (used["class"] == "recovered").sum()


def test_claims_and_tables_have_the_same_depth_with_a_dip_or_without(simulate):
    ds = load_run(simulate(num_seeds=12))
    dips = dip_table(ds).query("arm == 'tune2' and metric == 'hold_pct' and baseline == 5000")
    criterion = Criterion(
        arm="tune2", metric="hold_pct", step=25_000, quantity="depth", from_step=5_000, counted="windowed", maximum=1
    )
    depth = dips["depth"].to_numpy()
    np.testing.assert_array_equal(RunNumbers(ds).per_seed(criterion, "windowed", "tune2"), depth)
    late = dip_table(ds, DipOptions(threshold=30.0)).query(
        "arm == 'tune2' and metric == 'hold_pct' and baseline == 5000"
    )
    assert not late["has_dip"].all() and dips["has_dip"].any()
    np.testing.assert_array_equal(late["depth"], depth)
    np.testing.assert_array_equal(dips["has_dip"], depth >= SMALLEST_DIP)


def test_every_excursion_has_a_row_and_the_deepest_is_the_dip(simulate):
    ds = load_run(simulate(num_seeds=4, failed={(0, 1): 9_000}))
    keys = ["arm", "metric", "baseline", "seed"]
    table, dips = excursion_table(ds), dip_table(ds).query("has_dip").set_index(keys)
    deepest = table.loc[table.groupby(keys)["depth"].idxmax()].set_index(keys).loc[dips.index]
    assert len(deepest) == len(table.groupby(keys)) and len(table) > len(dips)
    for name in ("failed_step", "onset_step", "trough_step", "depth", "recovery_step"):
        np.testing.assert_allclose(deepest[name].astype(float), dips[name].astype(float))
    assert (table.groupby(keys)["excursion"].max() == table.groupby(keys).size()).all()


def test_what_was_not_observed_has_no_prevalence(simulate):
    summary = dip_summary(dip_table(load_run(simulate(steps=(0, 1_000, 2_000)))))
    late = summary[summary["baseline"] == 5_000]
    assert (late["seeds"] == 0).all() and late["prevalence_pct"].isna().all()
    assert (summary["landmark_flag"] == "no seeds").all()


def test_wilson_interval():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    interval = wilson_interval(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 0).flag == "no seeds"


def test_mean_interval_covers_a_normal_mean():
    key = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        interval = mean_interval(key.normal(3, 1, 25))
        hits += interval.low <= 3 <= interval.high
    assert hits >= 50


@pytest.mark.parametrize(
    ("values", "flag"), [([2.0, 2.0, np.nan], "constant"), ([2.0], "one seed"), ([np.nan], "no seeds")]
)
def test_degenerate_data_gives_a_flagged_point(values, flag):
    interval = mean_interval(values)
    assert interval.flag == flag
    if flag != "no seeds":
        assert interval.estimate == interval.low == interval.high == 2


def test_table_as_text():
    table = pd.DataFrame(
        {
            "arm": ["a", "longer"],
            "seeds": [3, 12],
            "x_median": [1.0, np.nan],
            "x_min": [0.5, np.nan],
            "x_max": [2.0, np.nan],
            "trough_step": [10_000.0, np.nan],
            "censored": [True, False],
        }
    )
    lines = format_table(table).splitlines()
    assert lines[0].split("  ")[0] == "arm" and "x median [min, max]" in lines[0]
    assert "1.00 [0.50, 2.00]" in lines[2] and "10 000" in lines[2] and lines[2].endswith("yes")
    assert "–" in lines[3] and "nan" not in format_table(table)
    assert lines[2].index("3") == lines[3].index("12") + 1
    signs = pd.DataFrame({"p_value": [0.0001], "x": [-0.001], "x_low": [-2.5], "x_high": [30.0], "limit": [-1e-9]})
    assert markdown_table(signs).splitlines()[2] == "| < 0.001 | 0.00 [−2.50, 30.00] | −1e−09 |"
    assert markdown_table(table).splitlines()[2] == "| a | 3 | 1.00 [0.50, 2.00] | 10 000 | yes |"
