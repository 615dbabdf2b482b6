"""Profits on unseen days: what is kept of an evaluation, and how claims about it are judged."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from experiments.realistic import arms, claims, judged_days, trading_tables
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.scorecard import shown_rows
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.run_directory.backtest_names import BASELINES, DIMS, NOTHING, POLICIES, VARIABLES

NAMES = [arms.REALISTIC.name, arms.PERMUTED.name]
SEEDS, DAYS = 8, 21
GAIN = {"sampled": 0.0, "greedy": 200.0}  # dollars a day of `realistic`
SHAPE = (len(NAMES), SEEDS, DAYS, len(POLICIES), 2)


def made_up() -> xr.Dataset:
    """An evaluation of two symbols: `realistic` earns by `GAIN`, permuted rewards lose 300 a day, HOLD does nothing."""
    draw = np.random.default_rng(0)
    noise = draw.normal(0, 50, (len(NAMES), SEEDS, DAYS, len(POLICIES), 2))
    coords = {
        "arm": NAMES,
        "seed": np.arange(SEEDS) + 2_000,
        "day": np.datetime64("2024-04-19", "ns") + np.arange(DAYS) * np.timedelta64(1, "D"),
        "policy": list(POLICIES),
        "symbol": ["A", "B"],
        "bars": (("day", "symbol"), np.full((DAYS, 2), 390)),
    }
    counts = draw.integers(1, 9, SHAPE).astype(float)
    whole = xr.Dataset(dict.fromkeys(VARIABLES, (DIMS, counts / 10)), coords)
    for name in judged_days.COUNTS:
        whole[name] = (DIMS, counts)
    whole["pnl"] = (DIMS, noise)
    for policy, gain in GAIN.items():
        whole["pnl"].loc[{"arm": NAMES[0], "policy": policy}] += gain
    whole["pnl"].loc[{"arm": NAMES[1]}] -= 300
    whole["pnl"].loc[{"policy": NOTHING}] = 0
    facts = {"environment": "realistic", "data_part": "test", "training_days": np.int64(32), "training_first": "a"}
    facts |= {"training_last": "b", "training_days_judged": 0, "sessions_too_short": 0, "checkpoints_looked_at": 22}
    return whole.assign_attrs(facts | {"hold_bars": json.dumps({name: [5, 5] for name in NAMES})})


@pytest.fixture(scope="module")
def kept() -> DailyResults:
    return judged_days.restore(judged_days.condense(made_up()))


@pytest.mark.parametrize("name", [*judged_days.DOLLARS, *judged_days.COUNTS])
def test_what_is_kept_is_the_day_of_all_symbols(kept, name):
    whole = DailyResults(made_up())
    for arm in NAMES:
        for policy in POLICIES:
            np.testing.assert_allclose(kept.of(name, arm, policy), whole.of(name, arm, policy), rtol=1e-6)


def test_trials_and_sessions_are_counted_as_in_the_evaluation(kept):
    assert kept.trials() == DailyResults(made_up()).trials() == 2 * SEEDS * 2 * 22
    assert kept.attributes["sessions"] == 2 * DAYS


def test_a_diverged_seed_is_refused_and_not_kept_as_a_hole():
    sessions = made_up()
    sessions["pnl"].loc[{"arm": NAMES[1], "seed": 2_003}] = np.nan
    with pytest.raises(RunDirectoryError, match="diverged"):
        judged_days.condense(sessions)


class Folder:
    """A market with the evaluation of its first part."""

    def __init__(self, folder):
        self.folder, self.declaration = folder, {"parts": ["main", "reference"]}
        target = folder / judged_days.FOLDER / "main.npz"
        target.parent.mkdir()
        judged_days.write_arrays(target, judged_days.condense(made_up()))


def test_claims_are_judged_over_seeds_and_days_and_what_was_not_run_is_not_judged(tmp_path):
    table = trading_tables.judged(Folder(tmp_path)).set_index("claim")
    verdicts = table["verdict"]
    assert (
        verdicts["realistic_greedy_earns"] == "supported"
        and verdicts["realistic_greedy_worth_nothing"] == "not supported"
    )
    assert verdicts["realistic_sampled_earns"] == "undecided"  # it earns nothing but noise
    assert verdicts["realistic_sampled_worth_nothing"] == "supported"
    assert verdicts["learning_carries_over"] == "supported" and verdicts["costs_carry_over"] == "not run"
    assert table.loc["learning_carries_over", "dollars_a_day"] == pytest.approx(300, abs=15)
    assert table.loc["realistic_greedy_earns", "needed"] == "more than 0"
    single = trading_tables.two_way.mean_interval(made_up()["pnl"].sel(arm="realistic", policy="greedy").mean("symbol"))
    assert table.loc["realistic_greedy_earns", "dollars_a_day_low"] < single.low  # the level is shared by all claims


def test_baselines_stand_in_the_table_once_and_belong_to_no_arm(tmp_path, monkeypatch):
    columns = [f"{name}{end}" for name in trading_tables.SHOWN for end in ("", "_low", "_high")]
    unmeasured = dict.fromkeys(("seeds", "days", *columns, *trading_tables.PLAIN), 0)

    def rows(results):
        return pd.DataFrame([{"arm": arm, "policy": policy} | unmeasured for arm, policy in shown_rows(results)])

    monkeypatch.setattr(trading_tables, "scorecard", rows)
    market = Folder(tmp_path)
    first = market.folder / judged_days.FOLDER / "main.npz"
    first.with_stem("reference").write_bytes(first.read_bytes())
    table = trading_tables.trading(market)
    assert table["policy"].tolist() == ["sampled", "greedy"] * 2 + list(BASELINES) * 2 + ["sampled", "greedy"] * 2
    assert set(table["arm"][table["policy"].isin(BASELINES)]) == {"baseline"}


def test_the_days_that_were_judged_are_told(tmp_path):
    days = trading_tables.judged_days(Folder(tmp_path))
    assert days[["part", "test_days", "sessions", "judged_from"]].values.tolist() == [["main", 21, 42, "2024-04-19"]]


@pytest.mark.parametrize(
    ("low", "high", "flag", "limits", "verdict"),
    [
        (0.0, 0.0, "constant", {"minimum": 0.0}, "not supported"),
        (0.0, 0.0, "constant", {"maximum": 70.0}, "supported"),
        (5.0, 5.0, "constant", {"minimum": 0.0}, "undecided"),
        (-1.0, 71.0, "", {"maximum": 70.0}, "undecided"),
        (1.0, 71.0, "", {"minimum": 0.0}, "supported"),
    ],
)
def test_a_policy_that_never_trades_earns_nothing_and_another_point_decides_nothing(low, high, flag, limits, verdict):
    claim = claims.TradingClaim("c", "", "a", "greedy", "a", NOTHING, **limits)
    found = trading_tables.decision_of(Interval((low + high) / 2, low, high, flag), claim, (8, 21))
    assert found.verdict.value == verdict
