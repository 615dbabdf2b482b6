"""The page of a backtest: report.md, report.html, its figures, and its tables as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_tables import verdict_table
from momentum_jax.analysis.claims.published import published_sources
from momentum_jax.analysis.claims.trading_claims import judge_trading
from momentum_jax.analysis.figures import Picture, save_figure
from momentum_jax.analysis.figures.daily_trading import plot_distribution, plot_equity, plot_trades
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.report.document import Block, Bullets, Image, Section, Table, Text, literal
from momentum_jax.analysis.report.formatting import format_table
from momentum_jax.analysis.report.html_page import plain_page
from momentum_jax.analysis.report.rendering import to_markdown
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.evaluation_answer import answer, what_was_judged
from momentum_jax.analysis.trading.scorecard import against_baselines, best_of_trials, scorecard
from momentum_jax.analysis.trading.walk_forward import by_fold, chosen_by_fold
from momentum_jax.run_directory import write_atomic
from momentum_jax.run_directory.backtest_names import BASELINES, GREEDY, NOTHING, WAYS

CLAIMED_TRADES = (10.0, 30.0)
"""Trades a day of the published claim."""

_HEADS = {
    "pnl_per_day": "P&L a day, $",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "max_drawdown": "max drawdown, $",
    "drawdown_days": "drawdown, days",
    "win_rate": "win rate, %",
    "profit_factor": "profit factor",
    "trades_per_day": "trades a day",
    "days_traded": "days traded, %",
    "worst_trade": "worst trade, %",
    "time_in_market": "time in market, %",
    "forced_stops": "forced stops a day",
    "difference": "difference a day, $",
}
_IN_TERMINAL = ("arm", "policy", "seeds", "pnl", "win", "trades")
_CLAIM_COLUMNS = ["claim", "statement", "claim_verdict"]
_HIDDEN = ("turnover", "confidence")
_HOW_TO_READ = (
    "Dollars are on 100 000 of capital, with which every session begins anew; each purchase risks 7 % of it. Numbers "
    "are means over seeds of each seed's own (profit factor: their median; worst trade: of all seeds). In brackets: "
    "95 % intervals that draw seeds and days anew, independently of each other. Ratios are of daily profits, "
    "annualised by 252 days. Drawdown: the deepest fall of the cumulated profit, and the days from its peak until it "
    "is made good or the days end."
)


class EvaluationTables(NamedTuple):
    """Every table of a backtest."""

    scorecard: pd.DataFrame
    against: pd.DataFrame
    best: pd.DataFrame
    by_fold: pd.DataFrame  # empty without folds
    chosen: pd.DataFrame  # likewise


def make_tables(results: DailyResults, folds: int | None = None) -> EvaluationTables:
    """The tables of a backtest.

    Raises:
        ConfigError: more folds than the days allow.
    """
    nothing = pd.DataFrame()
    return EvaluationTables(
        by_fold=by_fold(results, folds) if folds else nothing,
        chosen=chosen_by_fold(results, folds) if folds else nothing,
        scorecard=scorecard(results),
        against=against_baselines(results),
        best=best_of_trials(results),
    )


def write_page(sessions: xr.Dataset, folder: Path, folds: int | None = None, command: str = "") -> Path:
    """Write ``report.md, report.html, figures/*`` and the tables as CSV, report.md last; earlier ones are replaced.

    Args:
        sessions: as `run_directory.backtest_files.read_sessions` gives them.
        folder: of the files.
        folds: of the walk-forward; None for none.
        command: that makes the page again.

    Returns:
        The path of report.md.

    Raises:
        ConfigError: more folds than the days allow.
    """
    results = DailyResults(sessions)
    tables = make_tables(results, folds)
    images = []
    for picture in pictures(results):
        save_figure(picture.figure, folder / "figures" / picture.name)
        images.append(Image(picture.name, picture.caption))
    for name, table in tables._asdict().items():
        if not table.empty:
            write_atomic(folder / f"{name}.csv", table.to_csv(index=False).encode())
    sections = page_sections(results, tables, images, command)
    facts = results.attributes
    title = f"{facts['run_name']}: policies on {results.num_days} days of {facts['data_part']}"
    write_atomic(folder / "report.html", plain_page(title, sections, folder / "figures").encode())
    path = folder / "report.md"
    write_atomic(path, to_markdown(title, sections).encode())
    return path


def terminal_text(sessions: xr.Dataset) -> str:
    """The answer and the table, for a terminal."""
    results = DailyResults(sessions)
    tables = make_tables(results)
    kept = [str(name) for name in tables.scorecard if str(name).startswith(_IN_TERMINAL)]
    short = tables.scorecard[kept]
    return f"{answer(results, tables.against)}\n\n{format_table(_display(short))}"


def page_sections(
    results: DailyResults,
    tables: EvaluationTables,
    images: Sequence[Image],
    command: str,
) -> list[Section]:
    """Answer, figures, tables, and how the page was made."""
    judged = [line if line.startswith("**") else literal(line) for line in what_was_judged(results)]
    return [
        Section("Answer", [Text(f"**{literal(answer(results, tables.against))}**"), Bullets(judged)]),
        Section("Figures", images),
        Section("Policies and baselines", [Text(_HOW_TO_READ), Table(_display(tables.scorecard))]),
        Section("Against each baseline", [Text(_how_compared(tables)), Table(_display(tables.against))]),
        Section("The best seed", [Text(_how_deflated(results)), Table(_display(tables.best))]),
        *_walk_forward(tables),
        *_published(results),
        Section("Source", [Bullets([literal(line) for line in _made_of(results, command)])], folded=True),
    ]


def pictures(results: DailyResults) -> Iterator[Picture]:
    """The figures, each drawn when it is asked for."""
    first = results.arms[0]
    pnl = {arm: {way: results.of("pnl", arm, way) for way in WAYS} for arm in results.arms}
    trades = {arm: {way: results.of("trades", arm, way) for way in WAYS} for arm in results.arms}
    baselines = {name: results.of("pnl", first, name) for name in BASELINES if name != NOTHING}
    shown = f"; the first six of {len(pnl)} arms" if len(pnl) > 6 else ""
    yield Picture(
        "equity",
        f"Cumulated profit after costs: median over seeds, shaded between the quartiles; dotted: baselines{shown}. "
        "Doing nothing is the line at 0.",
        plot_equity(results.days, pnl, baselines, "Profit by day"),
    )
    yield Picture(
        "trades",
        f"Trades a day: median over seeds, shaded between the quartiles{shown}. Yellow: the 10 to 30 of the published "
        "claim.",
        plot_trades(results.days, trades, CLAIMED_TRADES, "Trades a day"),
    )
    yield Picture(
        "daily_pnl",
        f"Profit after costs of single days, of every seed{shown}; what lies beyond stands in the outer bins.",
        plot_distribution(pnl, "Daily profit"),
    )


def _display(table: pd.DataFrame) -> pd.DataFrame:
    """A table with heads that tell units."""
    heads: dict[str, str] = {
        f"{name}{end}": f"{head}{end}" for name, head in _HEADS.items() for end in ("", "_low", "_high")
    }
    return table.drop(columns=[name for name in _HIDDEN if name in table]).rename(columns=heads)


def _how_compared(tables: EvaluationTables) -> str:
    confidence = 100 * float(tables.against["confidence"].iloc[0])
    return (
        "Profit a day less that of the baseline on the same day, seed by seed. The interval is of 95 %; the verdict is "
        f"by one of {confidence:.4g} %, so that all policies of the page together are wrongly said to beat a baseline "
        "with at most 5 %."
    )


def _how_deflated(results: DailyResults) -> str:
    checkpoints = int(results.attributes["checkpoints_looked_at"])
    return (
        f"Whoever picks the best seed has looked at {results.trials()} trials: arms × seeds × {len(WAYS)} ways of "
        f"acting × {checkpoints} checkpoint(s). The deflated Sharpe ratio is the probability that the true ratio is "
        "above what the best of so many trials without skill has (Bailey and López de Prado, 2014)."
    )


def _walk_forward(tables: EvaluationTables) -> list[Section]:
    if tables.by_fold.empty:
        return []
    text = (
        "Folds of consecutive days. The policies are frozen: what is chosen on the days before a fold is the arm, seed "
        "and way of acting that earned most there; the day before a fold belongs to neither side."
    )
    blocks: list[Block] = [
        Text(text),
        Table(tables.by_fold, "P&L a day, $"),
        Table(tables.chosen, "Chosen on earlier days"),
    ]
    return [Section("Walk-forward", blocks)]


def _published(results: DailyResults) -> list[Section]:
    """The published claims that an evaluation judges; nothing where the run has no arm of theirs."""
    judgements = [
        judge_trading(results.sessions, claim, source.trading[claim.name])
        for source in published_sources()
        for claim in source.claims
        if claim.name in source.trading
    ]
    blocks: list[Block] = []
    for found in filter(None, judgements):
        verdict = f" **{found.verdict.value}**" if enough(len(results.seeds(found.findings[0].arm))) else ""
        blocks.append(Text(f"{literal(found.claim.statement)}:{verdict}"))
        blocks.append(Table(verdict_table([found]).drop(columns=_CLAIM_COLUMNS, errors="ignore")))
    text = (
        "Judged by the sampled policy. What is claimed of every trade is supported where it holds of more than half of "
        "the seeds."
    )
    return [Section("What was published of an evaluation", [Text(text), *blocks])] if blocks else []


def _made_of(results: DailyResults, command: str) -> Iterator[str]:
    facts: Mapping[str, object] = results.attributes
    yield f"Bars: {facts['data_source']}, SHA-256 {str(facts['data_fingerprint'])[:16]}…"
    for name, text in BASELINES.items():
        yield f"{name}: {text}."
    for arm in results.arms:
        calls, puts = results.hold_bars(arm)
        yield f"k of {arm}, the best on the training part: {calls} bars for calls, {puts} for puts."
    yield f"{GREEDY}: the most probable action; sampled: drawn as in training. Illegal actions are masked."
    if command:
        yield f"made again by: {command}"
