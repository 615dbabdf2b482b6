"""The page of a backtest: the answer in its first line, figures, one table, warnings, the files beside it."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from momentum_jax.analysis.trading.evaluation_page import terminal_text, write_page
from momentum_jax.fields import ConfigError
from tests.analysis.trading.backtests import make_backtest


def answer(text: str) -> str:
    return text.split("## Answer")[1].split("**")[1]


def test_the_page_says_plainly_that_nothing_beats_doing_nothing(tmp_path):
    path = write_page(make_backtest(arms=("a", "b")), tmp_path, folds=3, command="python -m x")
    text = path.read_text()
    assert answer(text).startswith("Nothing is shown to beat doing nothing: of 4 policies")
    assert "24 days, 2024-03-01 to 2024-04-03" in text and "Few days:" in text and "python -m x" in text
    assert "32 trials" in text and "2024-03-13 to" in text and "20 bars for calls, 30 for puts" in text
    html = (tmp_path / "report.html").read_text()
    assert html.count("<img") == 3 and "<script" not in html and "data:image/png" in html
    assert {file.name for file in (tmp_path / "figures").iterdir()} == {
        f"{name}.{end}" for name in ("equity", "trades", "daily_pnl") for end in ("png", "svg")
    }
    tables = {file.stem: pd.read_csv(file) for file in tmp_path.glob("*.csv")}
    assert set(tables) == {"scorecard", "against", "best", "by_fold", "chosen"}
    assert len(tables["scorecard"]) == 10 and len(tables["against"]) == 24


def test_what_earns_is_named_with_its_interval_and_what_loses_is_counted(tmp_path):
    found = answer(write_page(make_backtest(edge=300.0), tmp_path).read_text())
    assert re.match(
        r"After costs these earn more than doing nothing \(97\.5 % interval above 0\): tune2 sampled by", found
    )
    assert "They beat every other baseline too." in found
    lost = answer(write_page(make_backtest(edge=-300.0), tmp_path).read_text())
    assert "2 of them lose money" in lost
    idle = answer(write_page(make_backtest(pnl=0), tmp_path).read_text())
    assert "1 of them earn and lose nothing on any day" in idle


def test_few_seeds_or_days_have_no_verdict_no_interval_and_no_ratio(tmp_path):
    text = write_page(make_backtest(num_seeds=3, num_days=8), tmp_path).read_text()
    assert answer(text).startswith("No verdict: 3 seeds and 8 days, and a verdict needs 6 of both")
    assert "Fewer than 20 days: no Sharpe or Sortino ratio" in text
    row = next(line for line in text.splitlines() if line.startswith("| tune2 | sampled | 3"))
    assert "[" not in row and "–" in row


def test_days_that_were_trained_on_are_said_first(tmp_path):
    ds = make_backtest()
    ds.attrs["training_days_judged"] = 5
    text = write_page(ds, tmp_path).read_text()
    assert "**5 of these days were trained on**" in text


def test_too_many_folds_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="folds=20 of 24 days"):
        write_page(make_backtest(), tmp_path, folds=20)


def test_the_terminal_has_the_answer_and_the_table():
    text = terminal_text(make_backtest())
    assert text.startswith("Nothing is shown") and "strong_call" in text
