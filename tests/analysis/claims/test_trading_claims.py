"""The published claim on an evaluation: each part by itself, and undecided where no evaluation can say anything."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import write_claims
from momentum_jax.analysis.claims.published import TradingClaim
from momentum_jax.analysis.claims.published_claims import judge_published
from momentum_jax.analysis.claims.trading_claims import judge_trading
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.analysis.trading.evaluation_page import write_page
from momentum_jax.config.declared_claims import Claim
from momentum_jax.run_directory import load_run
from momentum_jax.run_directory.backtest_files import backtest_folder, write_sessions
from tests.analysis.trading.backtests import make_backtest

CLAIM = Claim(name="8", statement="It trades well", unmeasured="not in a run")
TRADING = TradingClaim(arm="tune2", trades_per_day=(10.0, 30.0), win_rate=50.0)


def good(num_seeds=12, **settings):
    """An evaluation of which everything claimed is true, with 20 trades a day of which 12 gain."""
    ds = make_backtest(num_seeds=num_seeds, symbols=("SPY", "QQQ"), **settings)
    noise = np.random.default_rng(0).integers(-1, 2, ds.trades.shape)
    ds["trades"].values[:] = 10 + noise
    ds["wins"].values[:] = 6 + noise
    ds["big_losses"].values[:] = 0
    ds["take_profits"].values[:] = 1
    return ds


def verdicts(ds):
    return [finding.verdict for finding in judge_trading(ds, CLAIM, TRADING).findings]


def test_all_of_it_has_to_hold():
    found = judge_trading(good(), CLAIM, TRADING)
    assert found.verdict == Verdict.SUPPORTED and len(found.findings) == 5 and found.confidence == 0.99
    assert found.findings[0].interval.estimate == pytest.approx(20, abs=0.5)
    assert found.findings[1].interval.estimate == pytest.approx(60, abs=1)
    assert found.meeting.estimate == 1 and set(found.findings[0].beside) == {"greedy"}


@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [("trades", 18.0, 0), ("wins", 4.0, 1), ("big_losses", 1.0, 2), ("take_profits", 0.0, 3)],
)
def test_each_part_refutes_it(variable, value, place):
    ds = good()
    ds[variable].loc[{"policy": "sampled"}] = value + 0.1 * np.random.default_rng(0).random(ds.seed.size)[:, None, None]
    if value == 0:
        ds[variable].loc[{"policy": "sampled"}] = 0
    expected = [Verdict.SUPPORTED] * 5
    expected[place] = Verdict.NOT_SUPPORTED
    # 36 trades a day lower the share that gains.
    found = verdicts(ds)
    assert found[place] == Verdict.NOT_SUPPORTED
    assert found[4] == Verdict.SUPPORTED and (place == 0 or found == expected)


def test_a_symbol_that_is_never_traded_refutes_it_and_one_alone_decides_nothing():
    ds = good()
    ds["trades"].loc[{"symbol": "QQQ", "policy": "sampled"}] = 0
    assert verdicts(ds)[4] == Verdict.NOT_SUPPORTED
    one = judge_trading(good().isel(symbol=[0]), CLAIM, TRADING).findings[4]
    assert one.verdict == Verdict.UNDECIDED and "only one symbol" in one.reason


def test_few_seeds_or_days_decide_nothing():
    assert set(verdicts(good(num_seeds=5))) == {Verdict.UNDECIDED}
    assert set(verdicts(good(num_days=5))) == {Verdict.UNDECIDED}


def test_days_that_were_trained_on_and_other_rules_say_nothing():
    for name, value in (("training_days_judged", 3), ("environment", "realistic")):
        ds = good()
        ds.attrs[name] = value
        assert judge_trading(ds, CLAIM, TRADING) is None
    assert judge_trading(good(arms=("other",)), CLAIM, TRADING) is None


def test_the_published_claim_is_judged_where_a_run_has_an_evaluation(simulate, tmp_path):
    run_dir = simulate(num_seeds=12)
    without = {one.claim.name: one for one in judge_published(RunNumbers(load_run(run_dir)))}
    assert without["8"].verdict == Verdict.UNDECIDED and not without["8"].findings
    assert "8. UNDECIDED" in write_claims([run_dir], "published")
    write_sessions(good(), backtest_folder(run_dir, "test"))
    text = write_claims([run_dir], "published")
    assert "8. SUPPORTED" in text and "trades a day, on 24 days of test: evaluated" in text
    judged = {one.claim.name: one for one in judge_published(RunNumbers(load_run(run_dir), good()))}
    assert judged["2"].confidence > without["2"].confidence  # eight claims share the level, not seven


def test_the_page_of_the_evaluation_has_the_verdict(tmp_path):
    text = write_page(good(), tmp_path).read_text()
    assert "## What was published of an evaluation" in text and "**supported**" in text
    few = write_page(good(num_seeds=3), tmp_path).read_text()
    assert "supported" not in few.split("## What was published")[1].split("half of the seeds.")[1]
