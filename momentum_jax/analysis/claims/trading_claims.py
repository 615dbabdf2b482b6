"""Judging what was claimed of an evaluation on days that no policy has seen, by the sessions of a backtest.

A trade rate and a win rate are means over seeds, with intervals over seeds and days. What is claimed of every trade
(no large loss, a profit taken, every symbol traded) is judged by the share of seeds of which it is true: it is
supported where that is more than half of the seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.claims.published import TradingClaim
from momentum_jax.analysis.claims.published_arms import find_arm
from momentum_jax.analysis.claims.verdicts import Finding, Judgement, overall
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import Decision, Verdict, decide
from momentum_jax.analysis.trading import two_way_bootstrap as two_way
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.config.declared_claims import Claim
from momentum_jax.run_directory.backtest_names import GREEDY, SAMPLED

_HALF = 50.0  # per cent of the seeds
_NUMBERS = 5


@dataclass(frozen=True, kw_only=True)
class _Number:
    """One number of the claim: over seeds and days, or of seeds alone, each by way of acting."""

    words: str
    intervals: dict[str, Interval]
    holds: npt.NDArray[np.bool_]  # [seed]: true of the sampled policy of the seed by itself
    minimum: float | None = None
    maximum: float | None = None
    reason: str = ""  # why it cannot be decided


def can_judge(sessions: xr.Dataset) -> str:
    """Why an evaluation says nothing of unseen days under the run's own rules; empty where it does."""
    if sessions.attrs["training_days_judged"]:
        return "days of the evaluation were trained on"
    if sessions.attrs.get("environment"):
        return f"the evaluation is by the rules of preset {sessions.attrs['environment']}, not by the run's own"
    return ""


def judge_trading(sessions: xr.Dataset, claim: Claim, trading: TradingClaim, family: int = 1) -> Judgement | None:
    """Judges a claim by a backtest; None where the backtest does not have the arm, or `can_judge` says why not.

    Args:
        sessions: as `run_directory.backtest_files.read_sessions` gives them.
        claim: what was claimed, in words.
        trading: the same in numbers.
        family: claims that share the level of 5 %.
    """
    arm = find_arm(sessions, trading.arm)
    if arm is None or can_judge(sessions):
        return None
    results = DailyResults(sessions)
    confidence = shared_confidence(family * _NUMBERS)
    numbers = list(_numbers(results, arm, trading, confidence))
    findings = tuple(_finding(results, arm, number, confidence) for number in numbers)
    holds = np.all([number.holds for number in numbers], axis=0)
    meeting = wilson_interval(int(holds.sum()), len(holds))
    return Judgement(claim, overall([finding.verdict for finding in findings]), confidence, findings, meeting)


def _numbers(results: DailyResults, arm: str, trading: TradingClaim, confidence: float) -> Iterator[_Number]:
    ways = (SAMPLED, GREEDY)
    trades, wins = ({way: results.of(name, arm, way) for way in ways} for name in ("trades", "wins"))
    low, high = trading.trades_per_day
    own = trades[SAMPLED].mean(axis=1)
    yield _Number(
        words="trades a day",
        intervals={way: two_way.mean_interval(trades[way], confidence) for way in ways},
        holds=(own > low) & (own <= high),
        minimum=low,
        maximum=high,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = 100 * wins[SAMPLED].sum(axis=1) / trades[SAMPLED].sum(axis=1)
    yield _Number(
        words="trades that gain, percent",
        intervals={way: two_way.ratio_interval(100 * wins[way], trades[way], confidence) for way in ways},
        holds=rates > trading.win_rate,
        minimum=trading.win_rate,
    )
    big, taken = ({way: results.of(name, arm, way) for way in ways} for name in ("big_losses", "take_profits"))
    yield _of_seeds(
        "seeds that trade without a loss beyond −15 %, percent",
        {way: (big[way].sum(axis=1) == 0) & (trades[way].sum(axis=1) > 0) for way in ways},
        confidence,
    )
    yield _of_seeds(
        "seeds with a trade that returns 20 % or more, percent",
        {way: taken[way].sum(axis=1) > 0 for way in ways},
        confidence,
    )
    symbols = results.sessions["symbol"].values.tolist()
    yield _of_seeds(
        f"seeds that trade every symbol ({', '.join(symbols)}), percent",
        {way: results.trades_every_symbol(arm, way) for way in ways},
        confidence,
        reason="only one symbol was evaluated" if len(symbols) == 1 else "",
    )


def _of_seeds(words: str, flags: dict[str, npt.NDArray[np.bool_]], confidence: float, reason: str = "") -> _Number:
    intervals = {way: _share(flag, confidence) for way, flag in flags.items()}
    return _Number(words=words, intervals=intervals, holds=flags[SAMPLED], minimum=_HALF, reason=reason)


def _share(flags: npt.NDArray[np.bool_], confidence: float) -> Interval:
    share = wilson_interval(int(flags.sum()), len(flags), confidence)
    return Interval(100 * share.estimate, 100 * share.low, 100 * share.high, share.flag)


def _finding(results: DailyResults, arm: str, number: _Number, confidence: float) -> Finding:
    interval, seeds = number.intervals[SAMPLED], len(results.seeds(arm))
    decision = decide(interval, seeds, number.minimum, number.maximum)
    if results.num_days < MIN_SEEDS:
        decision = Decision(Verdict.UNDECIDED, f"no verdict below {MIN_SEEDS} days")
    if number.reason:
        decision = Decision(Verdict.UNDECIDED, number.reason)
    return Finding(
        arm=arm,
        number=f"{number.words}, on {results.num_days} days of {results.attributes['data_part']}",
        counted="evaluated",
        seeds=seeds,
        interval=interval,
        confidence=confidence,
        minimum=number.minimum,
        maximum=number.maximum,
        verdict=decision.verdict,
        reason=decision.reason,
        beside={GREEDY: number.intervals[GREEDY]},
    )
