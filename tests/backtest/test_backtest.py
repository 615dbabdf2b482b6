"""A backtest's arrays are what the public environment and the saved policies give, session by session."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from momentum_jax.backtest.backtest import run_backtest
from momentum_jax.backtest.entrants import HOLD_BARS, mean_pnl_by_hold
from momentum_jax.env import rules
from momentum_jax.env.momentum import Momentum, make_market
from momentum_jax.market.dataset import load_dataset
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.session_segments import cut_into_sessions
from momentum_jax.policy import load_policy
from momentum_jax.run_directory import backtest_names as names
from momentum_jax.run_directory.backtest_files import read_sessions, write_sessions
from tests.backtest.conftest import ARMS, CONFIG, SPLIT
from tests.backtest.one_session import play_session

ARM = {arm.name: arm for arm in ARMS}


@pytest.fixture(scope="module")
def sessions():
    market = MarketConfig(**SPLIT | {"data_part": "test", "segments": "all", "symbols": ("SPY",)})
    return cut_into_sessions(load_dataset(market).segments)


def greedy(policy):
    carry = policy.init_carry()

    def choose(observation, mask, state, params):
        nonlocal carry
        action, carry = policy.act(observation, mask, carry=carry)
        return int(action)

    return choose


def strong(kind, bars):
    """Buys at a strong setup of the window that is seen, exits after so many bars."""

    def choose(observation, mask, state, params):
        setup = params.market.setup_at(state.bar)
        if int(state.kind) > 0:
            return rules.EXIT if int(state.bar) + 1 - int(state.entry_bar) >= bars else rules.HOLD
        score = setup.bull_score if kind == rules.BUY_CALL else setup.bear_score
        return kind if int(score) >= 3 and mask[kind] else rules.HOLD

    return choose


def assert_traded_alike(found, played):
    """`found` [] variables of one policy in one session, against the oracle's."""
    pnls, cents = np.asarray(played.pnls), 0.02 * max(len(played.pnls), 1)
    assert int(found.trades) == len(pnls) and int(found.forced_stops) == played.stops
    assert float(found.pnl) == pytest.approx(pnls.sum(), abs=cents)
    assert float(found.pnl) == pytest.approx(played.capital - rules.INITIAL_CAPITAL, abs=cents)
    assert float(found.gross_gain) - float(found.gross_loss) == pytest.approx(float(found.pnl), abs=cents)
    assert float(found.time_in_market) == pytest.approx(played.held / played.steps, abs=1e-6)
    assert int(found.wins) == (pnls > 0).sum()
    if len(pnls):
        assert float(found.worst_trade) == pytest.approx(min(played.returns), abs=3e-6)
        assert float(found.best_trade) == pytest.approx(max(played.returns), abs=3e-6)
    else:
        assert np.isnan(found.worst_trade)


@pytest.mark.parametrize(("arm", "seed"), [("plain", 0), ("untrapped", 1), ("memory", 1)])
def test_the_greedy_policy_trades_as_the_saved_one_in_the_public_environment(
    backtested, finished_run, sessions, arm, seed
):
    policy = load_policy(finished_run, arm, seed)
    session = sessions[1]
    played = play_session(session.segment, ARM[arm].env, greedy(policy))
    found = backtested.sessions.sel(arm=arm, seed=seed, policy="greedy", symbol="SPY").isel(day=1)
    assert pd.Timestamp(found.day.values) == pd.Timestamp(session.date)
    assert_traded_alike(found, played)


def test_the_baselines_follow_their_rules(backtested, sessions):
    ds = backtested.sessions
    calls, puts = json.loads(ds.attrs["hold_bars"])["plain"]
    rules_by_name = {
        "call": lambda observation, mask, state, params: rules.BUY_CALL if mask[rules.BUY_CALL] else rules.HOLD,
        "strong_call": strong(rules.BUY_CALL, calls),
        "strong_put": strong(rules.BUY_PUT, puts),
    }
    for name, choose in rules_by_name.items():
        found = ds.sel(arm="plain", seed=0, policy=name, symbol="SPY").isel(day=2)
        assert_traded_alike(found, play_session(sessions[2].segment, ARM["plain"].env, choose))
        assert int(found.trades) > 0
    nothing = ds.sel(policy="hold")
    assert (nothing.pnl == 0).all() and (nothing.trades == 0).all() and (nothing.time_in_market == 0).all()
    close = np.asarray([session.segment.bars[:, 3] for session in sessions])
    bought = 7_000 * (close[:, -1] / close[:, 21] - 1)
    np.testing.assert_allclose(ds.pnl.sel(arm="memory", seed=1, policy="underlying", symbol="SPY"), bought, rtol=1e-4)


def test_arrays_have_a_row_for_every_session_and_random_draws_belong_to_a_seed_and_a_day(
    backtested, finished_run, sessions
):
    ds = backtested.sessions
    assert ds.pnl.dims == names.DIMS and ds.sizes == {
        "arm": 3,
        "seed": 2,
        "day": len(sessions),
        "policy": 8,
        "symbol": 1,
    }
    assert not ds.pnl.isnull().any()
    random = ds.pnl.sel(policy="random", symbol="SPY")
    assert (random.sel(arm="plain", seed=0) != random.sel(arm="plain", seed=1)).any()
    # Same draws and the same environment, whatever network plays beside it.
    np.testing.assert_array_equal(random.sel(arm="plain"), random.sel(arm="memory"))
    later = str(pd.Timestamp(sessions[2].date).date())
    part = run_backtest(finished_run, {"data_part": "all", "start_date": later}).sessions
    assert part.sizes["day"] == len(sessions) - 2
    for name in ("pnl", "trades", "turnover"):
        np.testing.assert_allclose(part[name], ds[name].isel(day=slice(2, None)), rtol=1e-4, atol=0.05)


def test_trades_add_up_to_the_sessions(backtested):
    trades, ds = backtested.trades, backtested.sessions
    assert set(trades.sold_by) <= {"own sale", "forced stop", "close"} and (trades.bars_held > 0).all()
    assert (trades.exit_time > trades.entry_time).all()
    assert (trades.entry_time.dt.strftime("%H:%M") >= "09:51").all()
    by_day = trades[trades.policy == "sampled"].assign(day=trades.entry_time.dt.normalize())
    total = by_day.groupby(["arm", "seed", "day"]).agg(pnl=("pnl", "sum"), trades=("pnl", "size"))
    for (arm, seed, day), row in total.iterrows():
        found = ds.sel(arm=arm, seed=seed, day=day, policy="sampled", symbol="SPY")
        assert row.trades == found.trades and row.pnl == pytest.approx(float(found.pnl), abs=0.05)
    assert total.trades.sum() == ds.trades.sel(policy="sampled").sum() > 0
    assert set(trades[trades.policy == "call"].seed) == {0}  # what draws nothing is written once


@pytest.mark.slow
def test_held_bars_are_those_that_earned_most_on_the_training_part(backtested, finished_run):
    """Calls of the arm `plain`, played step by step through every training session for each number of bars."""
    training = cut_into_sessions(load_dataset(MarketConfig(**SPLIT)).segments)[:2]
    found = mean_pnl_by_hold(Momentum(), make_market([each.segment for each in training]), training, CONFIG)
    for place, bars in enumerate(HOLD_BARS[:2]):
        pnls = [play_session(each.segment, ARM["plain"].env, strong(rules.BUY_CALL, bars)).pnls for each in training]
        assert found[0, 0, place] == pytest.approx(sum(map(sum, pnls)) / len(training), abs=1.0)
    chosen = json.loads(backtested.sessions.attrs["hold_bars"])
    assert set(chosen) == set(ARM) and all(set(bars) <= set(HOLD_BARS) for bars in chosen.values())


def test_the_file_gives_the_arrays_back(backtested, tmp_path):
    write_sessions(backtested.sessions, tmp_path)
    again = read_sessions(tmp_path)
    assert (again.pnl == backtested.sessions.pnl).all() and again.regime.dims == ("day", "symbol")
    assert again.attrs == backtested.sessions.attrs and again.pnl.attrs["units"] == "dollars on 100 000"
