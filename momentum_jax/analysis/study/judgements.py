"""Tables of claims, published numbers, noise, foretelling, power and times, from one market's condensed runs."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.claim_numbers import RunNumbers
from momentum_jax.analysis.claim_report import claims_table, published_places
from momentum_jax.analysis.claims import Judgement, declared_claims, judge
from momentum_jax.analysis.evidence import foretelling_table, noise_table
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.inference.power import seeds_for_mean_difference, seeds_needed
from momentum_jax.analysis.published_claims import judge_published
from momentum_jax.analysis.study.market import REFERENCE, Market, paired

_FULL_CLAIM = "6"
_TRAINED = re.compile(r"trained ([\d,]+) environment steps in ([\d.]+) s")
_NULL_PREVALENCE = 0.05
_TOLD = (REFERENCE, "trim_reduces_cost")  # arms whose noise and foretelling are shown


def published(market: Market) -> pd.DataFrame:
    """Every published number with its percentile among the seeds, and where one more run would fall."""
    runs = [ds for ds in (market.joined(["reproduction"]), market.joined(["full"])) if ds is not None]
    frames = []
    for ds in runs:
        places = published_places(ds)
        alone = list(ds["arm"].values) == ["full"]
        # Tune2's settings are full's: each is compared with the run of its own name and length.
        frames.append(places[(places["run"] == "full") == alone] if len(places) else places)
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    names = ["run", "env_steps", "counted", "metric", "published", "seeds", "seeds_median", "percentile"]
    ends = {"prediction_low": "one_more_low", "prediction_high": "one_more_high"}
    return table[[*names, *ends]].rename(columns=ends) if len(table) else table


def claims(market: Market) -> pd.DataFrame:
    """The published claims, judged; claim 6 on the full run."""
    judgements: list[Judgement] = []
    if market.main is not None:
        judgements += [found for found in judge_published(RunNumbers(market.main)) if found.claim.name != _FULL_CLAIM]
    full = market.joined(["full"])
    if full is not None:
        judgements += [found for found in judge_published(RunNumbers(full)) if found.claim.name == _FULL_CLAIM]
    return _judged(sorted(judgements, key=lambda judgement: judgement.claim.name))


def declared(market: Market) -> pd.DataFrame:
    """What the study claimed before it ran, judged."""
    if market.main is None:
        return pd.DataFrame()
    run = RunNumbers(market.main)
    return _judged([judge(run, claim) for claim in declared_claims(market.main)])


def _judged(judgements: list[Judgement]) -> pd.DataFrame:
    if not judgements:
        return pd.DataFrame()
    table = claims_table(judgements)
    rows = []
    for row in table.to_dict("records"):
        numbers = {part: row.get(f"{row.get('counted')}_{part}", np.nan) for part in ("estimate", "low", "high")}
        names = ("claim", "statement", "claim_verdict", "number", "counted", "seeds", "minimum", "maximum")
        rows.append(
            {name: row.get(name, np.nan) for name in names}
            | {"value": numbers["estimate"], "value_low": numbers["low"], "value_high": numbers["high"]}
            | {"verdict": row["verdict"], "reason": row["reason"]}
        )
    return pd.DataFrame(rows).astype({"seeds": "Int64"})


def noise(market: Market) -> pd.DataFrame:
    """Windowed falls of tune2, with the trap and without it, against what sampling noise makes."""
    if market.main is None:
        return pd.DataFrame()
    return noise_table(market.main.sel(arm=[arm for arm in _TOLD if arm in market.main["arm"].values]))


def foretelling(market: Market) -> pd.DataFrame:
    """What is known at 2 000 and 5 000 steps about the rise that follows, in tune2 and without the trap."""
    if market.main is None:
        return pd.DataFrame()
    return foretelling_table(market.main.sel(arm=[arm for arm in _TOLD if arm in market.main["arm"].values]))


def power(market: Market) -> pd.DataFrame:
    """How many seeds show such a dip, and how many tell two arms apart, with 80 % power at 5 %."""
    reference = market.outcome(REFERENCE, "reproduction")
    if reference is None:
        return pd.DataFrame()
    dips = float(np.nanmean(np.where(np.isnan(reference.depth), np.nan, reference.depth >= market.threshold)))
    rows: list[dict[str, Any]] = []
    needed = seeds_needed(dips, _NULL_PREVALENCE) if dips > _NULL_PREVALENCE else None
    question = f"seeds with a dip: {100 * dips:.0f} % in tune2 against {100 * _NULL_PREVALENCE:.0f} %"
    rows.append({"question": question, "observed": 100 * (dips - _NULL_PREVALENCE), "seeds_of_each_arm": needed})
    for arm in ("tune3", "trim_reduces_cost", "permuted_rewards"):
        other = market.outcome(arm)
        if other is None:
            continue
        a, b = paired(other, reference)
        found = compare_means(a, b)
        spread = float(np.sqrt((np.nanvar(a, ddof=1) + np.nanvar(b, ddof=1)) / 2))
        for pairing, correlation in (("same seeds", found.correlation), ("other seeds", None)):
            usable = correlation is None or not np.isnan(correlation)
            needed = seeds_for_mean_difference(found.difference.estimate, spread, correlation) if usable else None
            question = f"mean depth of {arm} against tune2, {pairing}"
            rows.append({"question": question, "observed": found.difference.estimate, "seeds_of_each_arm": needed})
    table = pd.DataFrame(rows)
    return table.assign(seeds_of_each_arm=[_shown(number) for number in table["seeds_of_each_arm"]])


def runs(market: Market) -> pd.DataFrame:
    """What was run: arms, seeds, steps and times, as the logs have them."""
    rows = []
    for part, ds in market.parts.items():
        config = json.loads(ds.attrs["config"])
        trained = [(int(n.replace(",", "")), float(s)) for n, s in _TRAINED.findall(ds.attrs["log"])]
        steps, seconds = sum(n for n, _ in trained), sum(s for _, s in trained)
        rows.append(
            {
                "part": part,
                "arms": ds.sizes["arm"],
                "seeds": ds.sizes["seed"],
                "steps": int(config["timesteps"]),
                "failed_seeds": int((ds["failed_step"].max("checkpoint") >= 0).sum()),
                "env_steps_millions": steps / 1e6,
                "seconds": seconds,
                "steps_per_second": f"{steps / seconds:,.0f}" if seconds else "",
                "git_commit": (config.get("git_commit") or "")[:10],
            }
        )
    return pd.DataFrame(rows)


def _shown(number: float | None) -> str:
    return "more than 4 096" if number is None or np.isnan(number) else f"{number:.0f}"
