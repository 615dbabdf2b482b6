"""The tables of a study's page, one function each, from one market's condensed runs."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.claim_numbers import RunNumbers
from momentum_jax.analysis.claim_report import claims_table, published_places
from momentum_jax.analysis.claims import Judgement, declared_claims, judge
from momentum_jax.analysis.evidence import foretelling_table
from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.multiplicity import adjust_by_role
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.inference.power import seeds_for_mean_difference, seeds_needed
from momentum_jax.analysis.inference.variance import stream_shares
from momentum_jax.analysis.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.noise import judge_against_control
from momentum_jax.analysis.published_claims import judge_published
from momentum_jax.analysis.study.market import REFERENCE, Market, Outcome, paired

DOSE_PARTS = ("dose", "reproduction", "main_causes")
_UNPAIRED_PARTS = ("calm", "trending", "choppy", "crash", "other_bars", "streams", "full")
_FULL_CLAIM = "6"
_TRAINED = re.compile(r"trained ([\d,]+) environment steps in ([\d.]+) s")
_NULL_PREVALENCE = 0.05


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


def depths(market: Market) -> pd.DataFrame:
    """Every arm by itself: how deep, how many seeds dip, and the change from 5 000 to 10 000 steps."""
    rows = []
    for outcome in market.outcomes:
        known = outcome.depth[~np.isnan(outcome.depth)]
        share = wilson_interval(int((known >= market.threshold).sum()), len(known))
        row: dict[str, Any] = {"part": outcome.part, "arm": outcome.arm, "seeds": len(known)}
        row |= _ends("depth", mean_interval(known))
        row |= _ends("seeds_that_dip_pct", _percent(share))
        row |= _ends("change_5k_to_10k", mean_interval(outcome.landmark))
        row |= _ends("windowed_depth", mean_interval(outcome.windowed_depth))
        rows.append(row)
    return pd.DataFrame(rows)


def causes(market: Market) -> pd.DataFrame:
    """Depth of every arm less tune2's on the same seeds, exact P(HOLD).

    Returns:
        One row per arm: ``difference`` with an interval simultaneous over the arms of its role (Bonferroni), sign-flip
        ``p_value`` and ``p_adjusted_value`` (Holm for the confirmatory, Benjamini-Hochberg for the exploratory arms).
    """
    reference = market.outcome(REFERENCE, "reproduction")
    others = [o for o in market.outcomes if o.part not in _UNPAIRED_PARTS and o is not reference]
    if reference is None or not others:
        return pd.DataFrame()
    rows = []
    for outcome in others:
        family = sum(other.confirmatory == outcome.confirmatory for other in others)
        found = compare_means(*paired(outcome, reference), confidence=1 - 0.05 / family)
        row: dict[str, Any] = {
            "role": "confirmatory" if outcome.confirmatory else "exploratory",
            "part": outcome.part,
            "arm": outcome.arm,
            "pairs": found.pairs,
        }
        row |= _ends("depth", mean_interval(outcome.depth))
        row |= _ends("difference", found.difference)
        rows.append(row | {"p_value": found.p_value, "correlation": found.correlation})
    table = pd.DataFrame(rows)
    return table.assign(p_adjusted_value=adjust_by_role(table))


def doses(market: Market) -> pd.DataFrame:
    """Depth at each entropy bonus with the trim trap and without it, on the same seeds."""
    rows = []
    for trim, by_dose in dosed(market).items():
        for dose, values in by_dose.items():
            row: dict[str, Any] = {"trim": trim, "ent_coef": dose, "seeds": int((~np.isnan(values)).sum())}
            rows.append(row | _ends("depth", mean_interval(values)))
    return pd.DataFrame(rows)


def dose_trends(market: Market) -> pd.DataFrame:
    """Change of depth for 0.01 more of the entropy bonus, with the trap and without."""
    rows = []
    for trim, by_dose in dosed(market).items():
        if len(by_dose) > 1:
            trend = dose_trend([100 * dose for dose in by_dose], np.stack(list(by_dose.values())))
            row: dict[str, Any] = {"trim": trim, "doses": len(by_dose), "seeds": trend.seeds}
            row |= _ends("points_per_0.01", trend.slope)
            rows.append(row | {"p_value": trend.p_value, "page_p_value": trend.page_p_value})
    return pd.DataFrame(rows)


def dosed(market: Market) -> dict[str, dict[float, np.ndarray]]:
    """Depths ``[seed]`` by trim (trap or mended) and ent_coef, over the seeds that all of these arms have."""
    found: dict[str, dict[float, Outcome]] = {"trap": {}, "mended": {}}
    reference = market.outcome(REFERENCE, "reproduction")
    if reference is None:
        return {}
    settings = {(part, arm["name"]): arm for part in DOSE_PARTS if part in market.parts for arm in _arms(market, part)}
    own = settings["reproduction", REFERENCE]
    for (part, name), arm in settings.items():
        trim, dose = arm["env"]["trim_reduces_cost"], arm["ppo"]["ent_coef"]
        expected = {
            **own,
            "name": name,
            "env": own["env"] | {"trim_reduces_cost": trim},
            "ppo": own["ppo"] | {"ent_coef": dose},
        }
        outcome = market.outcome(name, part)
        if arm == expected and outcome is not None:
            found["mended" if trim else "trap"][dose] = outcome
    every = [outcome for by_dose in found.values() for outcome in by_dose.values()]
    common = np.array(sorted(set.intersection(*(set(o.seeds.tolist()) for o in every))), np.int64)
    return {
        trim: {dose: o.depth[np.searchsorted(o.seeds, common)] for dose, o in sorted(by_dose.items())}
        for trim, by_dose in found.items()
        if by_dose
    }


def controls(market: Market) -> pd.DataFrame:
    """Tune2's seeds against what each control arm reaches without a reason in the rewards."""
    reference = market.outcome(REFERENCE, "reproduction")
    rows = []
    for outcome in market.outcomes if reference is not None else ():
        if outcome.part != "controls" or reference is None:
            continue
        test = judge_against_control(reference.depth, outcome.depth)
        known = reference.depth[~np.isnan(reference.depth)]
        rows.append(
            {
                "control": outcome.arm,
                "seeds": test.control_seeds,
                **_ends("depth", mean_interval(outcome.depth)),
                "deepest": float(np.nanmax(outcome.depth)),
                "depth_exceeded_in_5_pct": test.threshold,
                "tune2_seeds_beyond": int((known > test.threshold).sum()),
                "of": len(known),
            }
        )
    return pd.DataFrame(rows)


def streams(market: Market) -> pd.DataFrame:
    """Shares of the variance of depth by random stream; first-order and total."""
    if "streams" not in market.parts:
        return pd.DataFrame()
    redrawn = {arm["name"]: tuple(arm["redrawn_streams"]) for arm in _arms(market, "streams")}
    every = max(redrawn.values(), key=len)
    depth = {redrawn[o.arm]: o.depth for o in market.outcomes if o.part == "streams"}
    single = [stream for stream in every if (stream,) in depth]
    shares = stream_shares(depth[()], depth[every], np.stack([depth[(stream,)] for stream in single]))
    return pd.DataFrame(
        [
            {"stream": stream, "pairs": share.pairs, **_ends("first", share.first), **_ends("total", share.total)}
            | {"flag": share.flag}
            for stream, share in zip(single, shares, strict=True)
        ]
    )


def foretelling(market: Market) -> pd.DataFrame:
    """What is known at 2 000 and 5 000 steps about the rise that follows, in tune2 and without the trap."""
    if market.main is None:
        return pd.DataFrame()
    arms = [arm for arm in (REFERENCE, "trim_reduces_cost") if arm in market.main["arm"].values]
    return foretelling_table(market.main.sel(arm=arms))


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


def elsewhere(market: Market) -> pd.DataFrame:
    """Depth with the trap less that without, on the same seeds, in every part that has both."""
    rows = []
    pairs = (("tune2", "trim_reduces_cost"), ("envs_4", "envs_4_trim"))
    for part, (trapped, mended) in ((part, pair) for part in market.parts for pair in pairs):
        with_trap, without = market.outcome(trapped, part), market.outcome(mended, part)
        if part == "reproduction":
            without = market.outcome(mended, "main_causes")
        if with_trap is None or without is None:
            continue
        found = compare_means(*paired(with_trap, without))
        rows.append(
            {
                "part": part,
                "pairs": found.pairs,
                **_ends("depth_with_trap", mean_interval(with_trap.depth)),
                **_ends("depth_without", mean_interval(without.depth)),
                **_ends("difference", found.difference),
                "p_value": found.p_value,
            }
        )
    return pd.DataFrame(rows)


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


def _arms(market: Market, part: str) -> list[dict[str, Any]]:
    return json.loads(market.parts[part].attrs["config"])["arms"]


def _percent(interval: Interval) -> Interval:
    return Interval(100 * interval.estimate, 100 * interval.low, 100 * interval.high, interval.flag)


def _ends(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _shown(number: float | None) -> str:
    return "more than 4 096" if number is None or np.isnan(number) else f"{number:.0f}"


ALL = {
    "published": published,
    "claims": claims,
    "declared": declared,
    "depths": depths,
    "causes": causes,
    "doses": doses,
    "dose_trends": dose_trends,
    "controls": controls,
    "streams": streams,
    "foretelling": foretelling,
    "power": power,
    "elsewhere": elsewhere,
    "runs": runs,
}
