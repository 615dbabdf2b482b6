"""The published facts agree with each other, and their windows follow from the counts."""

from __future__ import annotations

import pytest

from experiments.early_dip.published import FACTS, PUBLISHED, RUNS
from experiments.early_dip.published_claims import CLAIMS, stopped_seeds
from momentum_jax.run_directory import load_run


def test_percentages_follow_from_the_counts():
    counted = [point for point in FACTS if point.hold_count is not None]
    assert len(counted) == 5
    for point in counted:
        flat = point.hold_count + point.call_count + point.put_count
        assert point.hold_pct == pytest.approx(100 * point.hold_count / flat, abs=0.051)
        assert point.call_pct == pytest.approx(100 * point.call_count / flat, abs=0.051)
        assert point.put_pct == pytest.approx(100 * point.put_count / flat, abs=0.051)
        assert point.strong_buy_pct == pytest.approx(100 * point.good_buy / point.strong_count, abs=0.051)
        assert point.good_buy + point.missed_opportunity == point.strong_count


def test_windows_of_tune2():
    windows = RUNS["tune2"].windows()
    assert windows["hold_pct"].round(1).tolist() == [54.9, 69.3, 45.3, 27.8, 6.4]
    assert windows["strong_buy_pct"].round(1).tolist() == [46.6, 30.9, 58.5, 84.8, 97.4]
    assert windows["start"].tolist() == [0, 5_000, 10_000, 25_000, 50_000]


def test_a_run_published_without_counts_has_no_windows():
    assert RUNS["full"].points[-1].env_steps == 500_000 and RUNS["full"].points[-1].cumulative["hold_pct"] == 11.6
    assert list(RUNS["full"].points[-1].cumulative) == ["hold_pct", "strong_buy_pct"]
    with pytest.raises(ValueError, match="without counts"):
        RUNS["full"].windows()


def test_the_claims_are_numbered_and_the_stop_rule_is_the_only_rule():
    assert [claim.name for claim in CLAIMS] == list("12345678")
    assert list(PUBLISHED.rules) == ["7"]


def test_the_stop_rule_stops_failed_and_holding_seeds(simulate):
    ds = load_run(simulate(arms=("tune2",), num_seeds=6, failed={(0, 4): 30_000}))
    assert stopped_seeds(ds)[4]
    ds["value_loss"][0, 1, 3] = 0.0
    assert stopped_seeds(ds)[1]
