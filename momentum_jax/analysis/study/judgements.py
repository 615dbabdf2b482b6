"""Verdicts and published numbers, from one market's condensed runs."""

from __future__ import annotations

import pandas as pd

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import published_places, verdict_table
from momentum_jax.analysis.claims.published_claims import judge_published
from momentum_jax.analysis.claims.verdicts import Judgement, declared_claims, judge_together
from momentum_jax.analysis.report.formatting import format_steps
from momentum_jax.analysis.study.market import Market

_FULL_CLAIM = "6"


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


def published_summary(market: Market) -> pd.DataFrame:
    """How many published numbers lie where one more run would, and which do not, as they were published."""
    every = published(market)
    if every.empty:
        return every
    rows = []
    for (run, seeds), places in every[every["counted"] == "cumulative"].groupby(["run", "seeds"], sort=False):
        known = places.dropna(subset=["percentile"])
        apart = known[(known["published"] < known["one_more_low"]) | (known["published"] > known["one_more_high"])]
        told = [
            f"{row['metric']} at {format_steps(row['env_steps'])} "
            f"({row['published']:.1f}; {row['one_more_low']:.1f} to {row['one_more_high']:.1f})"
            for row in apart.to_dict("records")
        ]
        counts = {"published_numbers": len(known), "within": len(known) - len(apart)}
        rows.append({"run": run, "seeds": seeds, **counts, "outside": "; ".join(told)})
    return pd.DataFrame(rows)


def claims(market: Market) -> pd.DataFrame:
    """The published claims, judged; claim 6 on the full run."""
    judgements: list[Judgement] = []
    if market.main is not None:
        judgements += [found for found in judge_published(RunNumbers(market.main)) if found.claim.name != _FULL_CLAIM]
    full = market.joined(["full"])
    if full is not None:
        judgements += [found for found in judge_published(RunNumbers(full)) if found.claim.name == _FULL_CLAIM]
    return verdict_table(sorted(judgements, key=lambda judgement: judgement.claim.name))


def declared(market: Market) -> pd.DataFrame:
    """What the study claimed before it ran, judged; all claims share the level of 5 %."""
    if market.main is None:
        return pd.DataFrame()
    return verdict_table(judge_together(RunNumbers(market.main), declared_claims(market.main)))
