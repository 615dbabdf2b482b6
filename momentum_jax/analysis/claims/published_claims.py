"""Judging what was claimed of published runs."""

from __future__ import annotations

import numpy as np

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.published import Published, Rule, published_sources
from momentum_jax.analysis.claims.published_arms import find_arm
from momentum_jax.analysis.claims.trading_claims import judge_trading
from momentum_jax.analysis.claims.verdicts import Finding, Judgement, judge
from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import decide
from momentum_jax.config.declared_claims import Claim


def judge_published(run: RunNumbers) -> list[Judgement]:
    """Judges the published claims on a run (or several, see `load_runs`), see `judge_claims_of`.

    Of several sources those whose runs have an arm here are judged; all of them where none has.
    """
    sources = published_sources()
    here = [source for source in sources if any(find_arm(run.ds, published.name) for published in source.runs)]
    return [judgement for source in here or sources for judgement in judge_claims_of(run, source)]


def judge_claims_of(run: RunNumbers, source: Published) -> list[Judgement]:
    """Judges all claims of one source; they share the level of 5 %."""
    evaluated = set(source.trading) if run.sessions is not None else set()
    measured = source.rules.keys() | evaluated
    family = sum(bool(claim.criteria) or claim.name in measured for claim in source.claims)
    return [_judged(run, source, claim, family) for claim in source.claims]


def _judged(run: RunNumbers, source: Published, claim: Claim, family: int) -> Judgement:
    if claim.name in source.rules:
        return judge_rule(run, claim, source.rules[claim.name], family)
    found = None
    if claim.name in source.trading and run.sessions is not None:
        found = judge_trading(run.sessions, claim, source.trading[claim.name], family)
    return found or judge(run, claim, family)


def judge_rule(run: RunNumbers, claim: Claim, rule: Rule, family: int = 1) -> Judgement:
    """Judges a rule by the seeds that it selects; `family` claims share the level of 5 %."""
    arm = find_arm(run.ds, rule.arm)
    if arm is None or rule.step not in run.ds["env_steps"].values:
        return judge(run, claim)
    only = run.ds.sel(arm=[arm])
    selected, succeeded = rule.selects(only), rule.succeeds(only)
    both, number = int((selected & succeeded).sum()), int(selected.sum())
    confidence = shared_confidence(family)
    share = wilson_interval(both, number, confidence)
    share = Interval(100 * share.estimate, 100 * share.low, 100 * share.high, share.flag)
    verdict, reason = decide(share, number, None, rule.maximum)
    if not number:
        reason = rule.none_selected
    words = rule.words.format(selected=number, seeds=len(selected))
    finding = Finding(arm, words, "cumulative", number, share, confidence, None, rule.maximum, verdict, reason, {})
    return Judgement(claim, verdict, confidence, (finding,), Interval(np.nan, np.nan, np.nan, "a rule"))
