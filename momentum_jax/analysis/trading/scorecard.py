"""The table of a backtest: each arm's policy, sampled and greedy, and the baselines, with intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import Decision, decide
from momentum_jax.analysis.trading import two_way_bootstrap as two_way
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.deflated_sharpe import daily_sharpe, deflated_sharpe
from momentum_jax.analysis.trading.performance import (
    MIN_DAYS,
    TRADING_DAYS,
    max_drawdown,
    profit_factor,
    rate,
    sortino_ratio,
)
from momentum_jax.run_directory.backtest_names import BASELINES, NOTHING, WAYS


def shown_rows(results: DailyResults) -> Iterator[tuple[str, str]]:
    """Arm and policy of every row: each arm's policies; the baselines once for arms whose environments trade alike."""
    for arm in results.arms:
        for way in WAYS:
            yield arm, way
    for arm in results.arms:
        if arm == results.arms[0] or not results.same_baselines(arm):
            for name in BASELINES:
                yield arm, name


def scorecard(results: DailyResults) -> pd.DataFrame:
    """A row for each of `shown_rows`: numbers are means over seeds of each seed's own, intervals over seeds and days.

    Returns:
        Columns ``arm, policy, seeds, days, pnl_per_day`` (dollars on 100 000 of capital), ``sharpe, sortino,
        max_drawdown`` (dollars), ``drawdown_days, win_rate`` (percent), ``profit_factor, trades_per_day, days_traded``
        (percent), ``worst_trade`` (percent of cost, of all seeds), ``time_in_market`` (percent); with ``_low, _high``
        for P&L, Sharpe ratio, win rate and trades.
    """
    return pd.DataFrame([_row(results, arm, policy) for arm, policy in shown_rows(results)])


def _row(results: DailyResults, arm: str, policy: str) -> dict[str, object]:
    pnl, trades, wins = (results.of(name, arm, policy) for name in ("pnl", "trades", "wins"))
    gains, losses = (results.of(name, arm, policy) for name in ("gross_gain", "gross_loss"))
    returns = results.returns(arm, policy)
    falls = [max_drawdown(row) for row in pnl]
    row: dict[str, object] = {"arm": arm, "policy": policy, "seeds": len(pnl), "days": results.num_days}
    row |= _columns("pnl_per_day", two_way.mean_interval(pnl))
    row |= _columns("sharpe", two_way.sharpe_interval(returns))
    row |= _columns("win_rate", two_way.ratio_interval(100 * wins, trades))
    row |= _columns("trades_per_day", two_way.mean_interval(trades))
    worst = results.of("worst_trade", arm, policy)
    return row | {
        "sortino": _mean(sortino_ratio(returns)),
        "max_drawdown": _mean([fall.depth for fall in falls]),
        "drawdown_days": _mean([fall.days for fall in falls]),
        "profit_factor": _median(profit_factor(gains, losses)),
        "days_traded": 100 * _mean((trades > 0).mean(axis=1)),
        "time_in_market": 100 * _mean(results.of("time_in_market", arm, policy).mean(axis=1)),
        "worst_trade": 100 * float(np.nanmin(worst)) if np.isfinite(worst).any() else np.nan,
        "forced_stops": _mean(rate(results.of("forced_stops", arm, policy), np.ones_like(pnl))),
        "turnover": _mean(results.of("turnover", arm, policy).mean(axis=1)),
    }


def against_baselines(results: DailyResults) -> pd.DataFrame:
    """Each arm's policies against each baseline, paired by seed and day: difference of P&L a day in dollars.

    Returns:
        Columns ``arm, policy, baseline, seeds, days, difference, difference_low, difference_high, verdict``: more,
        less, or undecided at the level that all rows of one baseline share (Bonferroni); ``confidence`` is theirs.
    """
    confidence = shared_confidence(len(results.arms) * len(WAYS))
    rows = []
    for arm in results.arms:
        for way in WAYS:
            own = results.of("pnl", arm, way)
            for baseline in BASELINES:
                difference = own - results.of("pnl", arm, baseline)
                interval = two_way.mean_interval(difference)
                verdict = verdict_of(two_way.mean_interval(difference, confidence), difference.shape)
                row = {"arm": arm, "policy": way, "baseline": baseline, "seeds": len(own), "days": results.num_days}
                rows.append(row | _columns("difference", interval) | {"verdict": verdict, "confidence": confidence})
    return pd.DataFrame(rows)


def verdict_of(difference: Interval, shape: tuple[int, ...]) -> str:
    """``more``, ``less``, ``the same`` or ``undecided``; of few seeds or days why there is none."""
    if min(shape) < MIN_SEEDS:
        return f"no verdict below {MIN_SEEDS} {'seeds' if shape[0] < MIN_SEEDS else 'days'}"
    if difference.flag == "constant" and difference.estimate == 0:
        return "the same"
    number = min(shape)
    mirrored = Interval(-difference.estimate, -difference.high, -difference.low, difference.flag)
    more, less = (_supported(decide(each, number, minimum=0.0)) for each in (difference, mirrored))
    return "more" if more else "less" if less else "undecided"


def _supported(decision: Decision) -> bool:
    return decision.verdict.value == "supported"


def best_of_trials(results: DailyResults) -> pd.DataFrame:
    """The seed with the highest Sharpe ratio of each arm and way, deflated by all trials that were looked at.

    Returns:
        Columns ``arm, policy, best_seed, sharpe`` (annualised), ``pnl_per_day, trials, deflated_sharpe``: the
        probability that its true Sharpe ratio is above what the best of so many trials without skill has.
    """
    daily = {
        (arm, way): np.asarray([daily_sharpe(row) for row in results.returns(arm, way)])
        for arm in results.arms
        for way in WAYS
    }
    trials = np.concatenate(list(daily.values()))
    rows = []
    for (arm, way), sharpes in daily.items():
        row: dict[str, object] = {"arm": arm, "policy": way, "trials": results.trials()}
        if np.isfinite(sharpes).any():
            best = int(np.nanargmax(sharpes))
            returns = results.returns(arm, way)[best]
            row |= {
                "best_seed": results.seeds(arm)[best],
                "sharpe": float(sharpes[best] * np.sqrt(TRADING_DAYS)) if results.num_days >= MIN_DAYS else np.nan,
                "pnl_per_day": float(results.of("pnl", arm, way)[best].mean()),
                "deflated_sharpe": deflated_sharpe(returns, trials, results.trials()),
            }
        rows.append(row)
    columns = ["arm", "policy", "best_seed", "pnl_per_day", "sharpe", "trials", "deflated_sharpe"]
    return pd.DataFrame(rows, columns=columns).astype({"best_seed": "Int64"})


def beats_doing_nothing(results: DailyResults) -> list[tuple[str, str]]:
    """Arms and ways whose P&L a day is above that of doing nothing, with the whole interval that all of them share."""
    table = against_baselines(results)
    found = table[(table["baseline"] == NOTHING) & (table["verdict"] == "more")]
    return list(found[["arm", "policy"]].itertuples(index=False, name=None))


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _mean(values: object) -> float:
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else np.nan


def _median(values: object) -> float:
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(np.median(known)) if len(known) else np.nan
