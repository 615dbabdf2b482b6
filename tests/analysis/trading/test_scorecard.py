"""The tables of a backtest: rows, pairs, verdicts, trials and folds."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.deflated_sharpe import daily_sharpe, deflated_sharpe
from momentum_jax.analysis.trading.scorecard import (
    against_baselines,
    beats_doing_nothing,
    best_of_trials,
    scorecard,
    shown_rows,
)
from momentum_jax.analysis.trading.walk_forward import by_fold, chosen_by_fold, folds
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory.backtest_names import BASELINES
from tests.analysis.trading.backtests import make_backtest


def test_the_table_has_every_policy_and_its_numbers():
    ds = make_backtest(arms=("a", "b"))
    results = DailyResults(ds)
    table = scorecard(results).set_index(["arm", "policy"])
    assert len(table) == 4 + len(BASELINES)  # the baselines of both arms are the same
    row, pnl = table.loc[("b", "greedy")], results.of("pnl", "b", "greedy")
    assert row.pnl_per_day == pytest.approx(pnl.mean()) and row.pnl_per_day_low < row.pnl_per_day < row.pnl_per_day_high
    assert row.days == 24 and row.seeds == 8 and np.isfinite(row.sharpe) and row.days_traded == 100
    assert table.loc[("a", "hold"), "pnl_per_day"] == 0 and np.isnan(table.loc[("a", "hold"), "sharpe"])
    few = scorecard(DailyResults(make_backtest(num_days=19)))
    assert few[["sharpe", "sortino"]].isna().all(axis=None) and few.pnl_per_day.notna().all()


def test_baselines_of_an_arm_that_trades_otherwise_have_rows_of_their_own():
    ds = make_backtest(arms=("a", "b"))
    ds["pnl"].loc[{"arm": "b", "policy": "call"}] += 1
    assert len(list(shown_rows(DailyResults(ds)))) == 4 + 2 * len(BASELINES)


def test_seeds_that_diverged_are_left_out_and_symbols_share_the_capital():
    ds = make_backtest(symbols=("SPY", "QQQ"))
    expected = ds.pnl.sel(policy="sampled", arm="tune2").values[:, 2:].mean(axis=-1)
    ds = ds.where(ds.seed != 5)
    results = DailyResults(ds)
    assert results.seeds("tune2") == [0, 1, 2, 3, 4, 6, 7]
    np.testing.assert_allclose(results.of("pnl", "tune2", "sampled")[5, 2:], expected[6])
    counts = ds.trades.sel(arm="tune2", policy="greedy", seed=7).sum("symbol")
    np.testing.assert_array_equal(results.of("trades", "tune2", "greedy")[-1], counts)


def test_pairs_of_seed_and_day_decide_and_nothing_beats_nothing_without_skill():
    none, skilled = (DailyResults(make_backtest(edge=edge, arms=("a", "b"))) for edge in (0.0, 300.0))
    assert beats_doing_nothing(none) == [] and len(beats_doing_nothing(skilled)) == 4
    table = against_baselines(skilled)
    assert set(table.baseline) == set(BASELINES) and (table.verdict == "more").all()
    assert (table.confidence == 1 - 0.05 / 4).all()
    losing = against_baselines(DailyResults(make_backtest(edge=-300.0)))
    assert set(losing.verdict) == {"less"}
    few = against_baselines(DailyResults(make_backtest(num_seeds=5, edge=300.0)))
    assert set(few.verdict) == {"no verdict below 6 seeds"}
    assert set(against_baselines(DailyResults(make_backtest(num_days=5, edge=300.0))).verdict) == {
        "no verdict below 6 days"
    }


def test_a_policy_that_never_trades_is_the_same_as_hold():
    ds = make_backtest(pnl=0)
    table = against_baselines(DailyResults(ds))
    assert table[(table.policy == "sampled") & (table.baseline == "hold")].verdict.tolist() == ["the same"]


def test_the_best_seed_is_deflated_by_all_trials():
    ds = make_backtest(arms=("a", "b"))
    ds.attrs["checkpoints_looked_at"] = 3
    results = DailyResults(ds)
    found = best_of_trials(results).set_index(["arm", "policy"]).loc[("a", "greedy")]
    assert found.trials == 2 * 8 * 2 * 3
    returns = results.returns("a", "greedy")
    sharpes = [daily_sharpe(row) for row in returns]
    assert found.best_seed == int(np.argmax(sharpes))
    every = [daily_sharpe(row) for arm in "ab" for way in ("sampled", "greedy") for row in results.returns(arm, way)]
    assert found.deflated_sharpe == pytest.approx(deflated_sharpe(returns[np.argmax(sharpes)], every, 96))


def test_folds_follow_each_other_and_leave_a_day_before_them():
    found = folds(22, 4)
    assert [day for fold in found for day in fold.days] == list(range(22))
    assert all(len(fold.before) == max(fold.days[0] - 1, 0) for fold in found)
    assert {len(fold.days) for fold in found} <= {5, 6}
    for number, message in ((1, "at least 2 and at most 11"), (12, "at most 11")):
        with pytest.raises(ConfigError, match=message):
            folds(22, number)
    with pytest.raises(ConfigError, match="evaluate more days"):
        folds(3, 2)
    assert len(folds(22, 11)) == 11  # the remedy


def test_what_is_chosen_before_a_fold_is_judged_in_it():
    pnl = np.zeros((1, 8, 24))
    pnl[0, 3, :11], pnl[0, 3, 12:] = 1_000, -500  # the best before the second fold, and then not
    pnl[0, 5, 11] = 1e6  # on the day that belongs to neither
    results = DailyResults(make_backtest(pnl=pnl))
    (row,) = chosen_by_fold(results, 2).to_dict("records")
    assert row["chosen_seed"] == 3 and row["chosen_policy"] == "sampled"
    assert row["pnl_before"] == 1_000 and row["pnl_in_fold"] == -500
    table = by_fold(results, 2).set_index("policy")
    assert table.loc["sampled"].iloc[-1] == pytest.approx(pnl[0, :, 12:].mean())
