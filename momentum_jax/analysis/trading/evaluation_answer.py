"""What a backtest says in sentences: the answer first, then what it stands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.analysis.report.formatting import format_percent, format_range
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.analysis.trading.performance import MIN_DAYS
from momentum_jax.run_directory.backtest_names import NOTHING


def answer(results: DailyResults, against: pd.DataFrame) -> str:
    """Whether anything beats doing nothing, in one sentence or two.

    Args:
        results: of the backtest.
        against: as `scorecard.against_baselines` returns it.
    """
    rows = against[against["baseline"] == NOTHING]
    shared = format_percent(float(rows["confidence"].iloc[0]))
    winners, losers = (rows[rows["verdict"] == word] for word in ("more", "less"))
    if rows["verdict"].str.startswith("no verdict").all():
        return f"No verdict: {_few(results)}. No policy is said to beat doing nothing, or not to."
    if len(winners):
        named = ", ".join(_named(row) for row in winners.to_dict("records"))
        others = _other_baselines(against, winners)
        return f"After costs these earn more than doing nothing ({shared} interval above 0): {named}.{others}"
    same = int((rows["verdict"] == "the same").sum())
    lost = f" {len(losers)} of them lose money: the whole interval lies below 0." if len(losers) else ""
    lost += f" {same} of them earn and lose nothing on any day." if same else ""
    return (
        f"Nothing is shown to beat doing nothing: of {len(rows)} policies, arms sampled and greedy, none has a profit "
        f"a day whose {shared} interval lies above 0.{lost}"
    )


def what_was_judged(results: DailyResults) -> Iterator[str]:
    """What the answer stands on, and what it does not: a line each."""
    facts, sessions = results.attributes, results.sessions
    first, last = (str(pd.Timestamp(results.days[place]).date()) for place in (0, -1))
    symbols = ", ".join(sessions["symbol"].values.tolist())
    played = int((sessions["bars"] > 0).sum())
    yield (
        f"{results.num_days} days, {first} to {last} (data_part={facts['data_part']}), {played} sessions of {symbols}; "
        f"trained on {facts['training_days']} days, {facts['training_first']} to {facts['training_last']}."
    )
    if facts["training_days_judged"]:
        yield (
            f"**{facts['training_days_judged']} of these days were trained on**: what is found on them says nothing of "
            "days that no policy has seen."
        )
    if facts.get("environment"):
        yield f"Played by the rules of the preset {facts['environment']}, in place of those that were trained on."
    if results.num_days < MIN_DAYS:
        yield f"Fewer than {MIN_DAYS} days: no Sharpe or Sortino ratio, and none deflated."
    yield (
        "Few days: an interval over days knows only the markets that these days had."
        if results.num_days < 60
        else "An interval over days knows only the markets that these days had."
    )
    regimes = pd.Series(sessions["regime"].values.ravel())
    counts = regimes[regimes != ""].value_counts()
    yield "Sessions by the VIX of their day: " + ", ".join(f"{name} {number}" for name, number in counts.items()) + "."
    if facts["sessions_too_short"]:
        yield f"{facts['sessions_too_short']} sessions were too short to buy and sell in, and are left out."
    lost = {arm: sessions.sizes["seed"] - len(results.seeds(arm)) for arm in results.arms}
    if any(lost.values()):
        yield "Seeds that diverged and are left out: " + ", ".join(f"{arm} {n}" for arm, n in lost.items() if n) + "."


def _few(results: DailyResults) -> str:
    seeds = max(len(results.seeds(arm)) for arm in results.arms)
    return f"{seeds} seeds and {results.num_days} days, and a verdict needs {MIN_SEEDS} of both"


def _named(row: Mapping[Any, Any]) -> str:
    ends = format_range(row["difference"], row["difference_low"], row["difference_high"], ".2f")
    return f"{row['arm']} {row['policy']} by {ends} dollars a day"


def _other_baselines(against: pd.DataFrame, winners: pd.DataFrame) -> str:
    """Which other baselines the winners do not beat."""
    keys = set(winners[["arm", "policy"]].itertuples(index=False, name=None))
    mine = against[[key in keys for key in against[["arm", "policy"]].itertuples(index=False, name=None)]]
    not_beaten = sorted(set(mine[mine["verdict"] != "more"]["baseline"]) - {NOTHING})
    return f" Not shown to beat {', '.join(not_beaten)}." if not_beaten else " They beat every other baseline too."
