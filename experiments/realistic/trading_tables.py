"""What policies earn on unseen days: the scorecard, and what was claimed of it; from one market's kept evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import CANNOT_VARY, Decision, decide
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.analysis.trading import two_way_bootstrap as two_way
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.scorecard import scorecard
from momentum_jax.run_directory.backtest_names import WAYS

from .claims import TRADING, TradingClaim
from .judged_days import evaluations

Floats = npt.NDArray[np.float64]

SHOWN = ("pnl_per_day", "trades_per_day", "win_rate", "sharpe")
PLAIN = ("days_traded", "time_in_market", "max_drawdown", "worst_trade")


def trading(market: Market) -> pd.DataFrame:
    """Every arm's policies on the test days, all with all costs, and the baselines once.

    Means over seeds of each seed's own number; 95 % intervals over seeds and days.
    """
    tables = []
    for place, results in enumerate(evaluations(market).values()):
        rows = scorecard(results)
        tables.append(rows if place == 0 else rows[rows["policy"].isin(WAYS)])
    if not tables:
        return pd.DataFrame()
    columns = [f"{name}{end}" for name in SHOWN for end in ("", "_low", "_high")]
    whole = pd.concat(tables, ignore_index=True)[["arm", "policy", "seeds", "days", *columns, *PLAIN]]
    return _baselines_named(whole)


def _baselines_named(rows: pd.DataFrame) -> pd.DataFrame:
    """A baseline belongs to no arm: all arms are judged by the same rules."""
    return rows.assign(arm=rows["arm"].where(rows["policy"].isin(WAYS), "baseline"))


def judged(market: Market) -> pd.DataFrame:
    """Every claim about profits with its interval over seeds and days, at the level that all of them share."""
    found = evaluations(market)
    by_arm = {arm: results for results in found.values() for arm in results.arms}
    confidence = shared_confidence(len(TRADING))
    rows = []
    for claim in TRADING if found else ():
        row: dict[str, Any] = {"claim": claim.name, "statement": claim.statement}
        difference = difference_of(claim, by_arm)
        if difference is None:
            rows.append(row | ends("dollars_a_day", Interval(np.nan, np.nan, np.nan, "")) | {"verdict": "not run"})
            continue
        interval = two_way.mean_interval(difference, confidence)
        decision = decision_of(interval, claim, difference.shape)
        row |= {"seeds": difference.shape[0], "days": difference.shape[1]} | ends("dollars_a_day", interval)
        rows.append(row | {"needed": _needed(claim), "verdict": decision.verdict.value, "reason": decision.reason})
    table = pd.DataFrame(rows)
    return table.astype({"seeds": "Int64", "days": "Int64"}) if len(table) else table


def difference_of(claim: TradingClaim, by_arm: Mapping[str, DailyResults]) -> Floats | None:
    """[seed, day] dollars: the policy's profit less that of what it is compared with; None where an arm was not run."""
    if not {claim.arm, claim.versus_arm} <= by_arm.keys():
        return None
    own = by_arm[claim.arm].of("pnl", claim.arm, claim.policy)
    return own - by_arm[claim.versus_arm].of("pnl", claim.versus_arm, claim.versus_policy)


def decision_of(interval: Interval, claim: TradingClaim, shape: tuple[int, ...]) -> Decision:
    """The verdict; a policy that does what it is compared with on every day differs by 0 and by nothing else."""
    if interval.flag == "constant" and interval.estimate == 0:
        found = decide(interval._replace(flag=CANNOT_VARY), min(shape), claim.minimum, claim.maximum)
        return found._replace(reason="never trades")
    return decide(interval, min(shape), claim.minimum, claim.maximum)


def _needed(claim: TradingClaim) -> str:
    return f"more than {claim.minimum:g}" if claim.minimum is not None else f"at most {claim.maximum:g}"


def judged_days(market: Market) -> pd.DataFrame:
    """What was judged: days, sessions, and the days that were trained on."""
    rows = []
    for part, results in evaluations(market).items():
        facts = results.attributes
        rows.append(
            {
                "part": part,
                "rules": facts["environment"],
                "training_days": facts["training_days"],
                "trained_from": facts["training_first"],
                "trained_to": facts["training_last"],
                "test_days": results.num_days,
                "judged_from": str(pd.Timestamp(results.days[0]).date()),
                "judged_to": str(pd.Timestamp(results.days[-1]).date()),
                "sessions": facts["sessions"],
                "trained_days_judged": facts["training_days_judged"],
            }
        )
    return pd.DataFrame(rows)
