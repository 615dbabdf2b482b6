"""Judging claims: supported, not supported or undecided, with the interval that decides (see `inference.verdict`).

All criteria of a claim have to hold: one that fails refutes it. All criteria of all claims that are judged together
share the level of 5 % (Bonferroni), so that any true one among them is refuted with at most 5 %. The intervals allow
for seeds unlike those that were drawn (see `claim_intervals`).

A number is judged on what the claim was made on; the same number counted in the other ways stands
beside it and decides nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.criterion_tests import Compared, tested
from momentum_jax.analysis.claims.published_arms import find_arm
from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.analysis.report.formatting import format_steps
from momentum_jax.config.declared_claims import Claim, Criterion, claim_from_json
from momentum_jax.diagnostics.description import Metric
from momentum_jax.run_directory import diagnostics_of


@dataclasses.dataclass(frozen=True)
class Finding:
    """A number over seeds, the range claimed for it, and what that makes."""

    arm: str  # as the run calls it; empty where the run has none
    number: str  # what it is, in words
    counted: str
    seeds: int
    interval: Interval
    confidence: float  # of the interval
    minimum: float | None
    maximum: float | None
    verdict: Verdict
    reason: str  # why undecided; else empty
    beside: dict[str, Interval]  # by another way of counting


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A claim with its verdict."""

    claim: Claim
    verdict: Verdict
    confidence: float  # of each finding's interval
    findings: tuple[Finding, ...]
    meeting: Interval  # share of seeds that meet all criteria themselves, Wilson; NaN where that has no sense


def declared_claims(ds: xr.Dataset) -> tuple[Claim, ...]:
    """The claims that a run's study declared before it ran.

    Raises:
        ConfigError: config.json holds a claim that does not fit.
    """
    diagnostics = diagnostics_of(ds)
    return tuple(claim_from_json(plain, diagnostics) for plain in json.loads(ds.attrs["config"]).get("claims", []))


def judge_together(run: RunNumbers, claims: Sequence[Claim]) -> list[Judgement]:
    """Judges claims that share the level of 5 %; those that cannot be measured take no share."""
    family = sum(bool(claim.criteria) for claim in claims)
    return [judge(run, claim, family) for claim in claims]


def judge(run: RunNumbers, claim: Claim, family: int = 1, shared: bool = True) -> Judgement:
    """Judges a claim on a run (or several, see `load_runs`).

    Args:
        run: the run's numbers.
        claim: the claim; its criteria share the level of 5 % (Bonferroni).
        family: number of claims that share it too.
        shared: whether its criteria share it. A support needs all of them, and they need not share for that.
    """
    nothing = Interval(np.nan, np.nan, np.nan, "not measured")
    if claim.unmeasured:
        return Judgement(claim, Verdict.UNDECIDED, np.nan, (), nothing)
    run = run.for_arms({arm for criterion in claim.criteria for arm in criterion.arms})
    confidence = shared_confidence(family * (len(claim.criteria) if shared else 1))
    findings = tuple(_finding(run, criterion, confidence) for criterion in claim.criteria)
    return Judgement(
        claim, overall([finding.verdict for finding in findings]), confidence, findings, _meeting(run, claim)
    )


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """All have to be supported; one that is not refutes."""
    if Verdict.NOT_SUPPORTED in verdicts:
        return Verdict.NOT_SUPPORTED
    return Verdict.SUPPORTED if verdicts and set(verdicts) == {Verdict.SUPPORTED} else Verdict.UNDECIDED


def _finding(run: RunNumbers, criterion: Criterion, confidence: float) -> Finding:
    arms = {name: find_arm(run.ds, name) for name in criterion.arms}
    last_step = int(run.ds["env_steps"].values[-1])
    metric = run.metric(criterion)
    number = _in_words(criterion, metric, last_step)
    missing = [name for name, found in arms.items() if not found]
    if missing:
        return _not_measured(criterion, number, "no such arm", f"no arm {' and '.join(missing)}")
    if metric is None:
        return _not_measured(criterion, number, "no such metric", f"no metric {criterion.metric}")
    arm, *others = (arms[name] or "" for name in criterion.arms)
    compared = Compared(run, criterion, arm, tuple(others))
    results = {counted: tested(compared, counted, confidence) for counted in criterion.forms(metric)}
    result = results.pop(criterion.counted)
    verdict, reason = result.decision
    unreached = _unreached(criterion, run.ds["env_steps"].values)
    if unreached:
        verdict, reason = Verdict.UNDECIDED, unreached
    return Finding(
        arm=arm,
        number=number,
        counted=criterion.counted,
        seeds=result.seeds,
        interval=result.interval,
        confidence=result.confidence,
        minimum=criterion.minimum,
        maximum=criterion.maximum,
        verdict=verdict,
        reason=reason,
        beside={counted: other.interval for counted, other in results.items()},
    )


def _not_measured(criterion: Criterion, number: str, flag: str, absent: str) -> Finding:
    """The finding of a run that does not have what the criterion speaks of."""
    nothing, limits = Interval(np.nan, np.nan, np.nan, flag), (criterion.minimum, criterion.maximum)
    reason = f"not measured: the run has {absent}"
    return Finding("", number, criterion.counted, 0, nothing, np.nan, *limits, Verdict.UNDECIDED, reason, {})


def _meeting(run: RunNumbers, claim: Claim) -> Interval:
    """Share of seeds that meet all criteria themselves (of one arm, none of them a prevalence)."""
    arms = {find_arm(run.ds, criterion.arm) for criterion in claim.criteria}
    own = all(criterion.arms == (criterion.arm,) and criterion.quantity != "prevalence" for criterion in claim.criteria)
    known_metrics = all(run.metric(criterion) for criterion in claim.criteria)
    if len(arms) != 1 or None in arms or not own or not known_metrics:
        return Interval(np.nan, np.nan, np.nan, "not of one arm")
    meets, known = np.ones((2, run.ds.sizes["seed"]), bool)
    for criterion in claim.criteria:
        values = run.per_seed(criterion, criterion.counted, find_arm(run.ds, criterion.arm) or "")
        known &= ~np.isnan(values)
        meets &= values > (-np.inf if criterion.minimum is None else criterion.minimum)
        meets &= values <= (np.inf if criterion.maximum is None else criterion.maximum)
    return wilson_interval(int((meets & known).sum()), int(known.sum()))


def _unreached(criterion: Criterion, env_steps: npt.NDArray[np.int64]) -> str:
    """Why a run of these checkpoints cannot decide the criterion; empty where it can."""
    end = format_steps(env_steps[-1])
    if criterion.is_dip:
        beyond = criterion.step > env_steps[-1]
        return f"the run ends at step {end}, before step {format_steps(criterion.step)} of the claim" if beyond else ""
    missing = [step for step in criterion.steps if step not in env_steps]
    if not missing:
        return ""
    return f"not measured: no checkpoint at step {format_steps(missing[0])} in a run that ends at {end}"


def _in_words(criterion: Criterion, metric: Metric | None, last_step: int) -> str:
    name = criterion.metric if metric is None else metric.label
    end = min(criterion.step, last_step)
    spans = {
        "level": f"{name} at {criterion.step}",
        "change": f"{name}, change {criterion.from_step} to {criterion.step}",
        "depth": f"depth of the {name} dip from {criterion.from_step}, trough by {end}",
        "prevalence": f"seeds with a {name} dip from {criterion.from_step}, trough by {end}",
    }
    return spans[criterion.quantity] + _against(criterion)


def _against(criterion: Criterion) -> str:
    """The arms that are compared; empty where one is judged by itself."""
    if criterion.along:
        return f", slope along {', '.join((criterion.arm, *criterion.along))}"
    if not criterion.versus:
        return ""
    share = "" if criterion.versus_share == 1 else f"{criterion.versus_share:g} × "
    return f", {criterion.arm} less {share}{criterion.versus}"
