"""The published facts agree with each other, and are placed rightly among seeds."""

from __future__ import annotations

import pytest

from momentum_jax.analysis.claims.published import PUBLISHED, published_percentiles, published_table, published_windows
from momentum_jax.analysis.report.run_tables import table_percentages
from momentum_jax.run_directory import load_run


def test_percentages_follow_from_the_counts():
    counted = [point for point in PUBLISHED if point.hold_count is not None]
    assert len(counted) == 5
    for point in counted:
        flat = point.hold_count + point.call_count + point.put_count
        assert point.hold_pct == pytest.approx(100 * point.hold_count / flat, abs=0.051)
        assert point.call_pct == pytest.approx(100 * point.call_count / flat, abs=0.051)
        assert point.put_pct == pytest.approx(100 * point.put_count / flat, abs=0.051)
        assert point.strong_buy_pct == pytest.approx(100 * point.good_buy / point.strong_count, abs=0.051)
        assert point.good_buy + point.missed_opportunity == point.strong_count


def test_windows_of_tune2():
    windows = published_windows("tune2")
    assert windows["hold_pct"].round(1).tolist() == [54.9, 69.3, 45.3, 27.8, 6.4]
    assert windows["strong_buy_pct"].round(1).tolist() == [46.6, 30.9, 58.5, 84.8, 97.4]
    assert windows["start"].tolist() == [0, 5_000, 10_000, 25_000, 50_000]


def test_a_run_published_without_counts_has_no_windows():
    assert published_table("full").loc[500_000, "hold_pct"] == 11.6
    with pytest.raises(ValueError, match="without counts"):
        published_windows("full")


def test_percentile_is_the_share_of_seeds_below(simulate):
    ds = load_run(simulate())
    table = published_percentiles(ds, "tune2").set_index(["env_steps", "counted", "metric"])
    assert len(table) == 5 * 2 * 4
    at_10k = table_percentages(ds).isel(checkpoint=1).sel(arm="tune2", counted="windowed")
    below = float((at_10k["hold_pct"] < published_windows("tune2").loc[10_000, "hold_pct"]).mean())
    row = table.loc[(10_000, "windowed", "hold_pct")]
    assert row["percentile"] == pytest.approx(100 * below) and row["seeds"] == 6
    assert row["published"] == pytest.approx(69.25, abs=0.01)


def test_a_window_whose_beginning_is_missing_is_not_compared(simulate):
    table = published_percentiles(load_run(simulate(steps=(0, 5_000, 25_000))), "tune2")
    kinds = table.groupby("env_steps")["counted"].unique().map(list).to_dict()
    assert kinds == {5_000: ["cumulative", "windowed"], 25_000: ["cumulative"]}
