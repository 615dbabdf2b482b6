"""Claims of one study judged together by Holm's method, from the intervals themselves.

Of m claims each is judged as one of m. Those that are supported leave, and the others are judged as one of those that
are left, until none leaves: Holm's step-down (1979, Scandinavian Journal of Statistics 6), for a test whose interval
just leaves a limit at level p rejects at every level from p on. Refutations are stepped down in the same way by
themselves. So with at most 5 % any false claim is supported, and with at most 5 % any true one is refuted.

A claim is supported where all its criteria are, which need not share the level for that (an intersection-union test:
Berger 1982, Technometrics 24); it is refuted where one criterion is, so for refutations they share it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.verdicts import Judgement, judge
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.config.declared_claims import Claim


def judge_step_down(run: RunNumbers, claims: Sequence[Claim]) -> list[Judgement]:
    """Judges claims that share the level of 5 %, by Holm's method.

    Args:
        run: the numbers of a run, or of several joined.
        claims: each measured one takes a share of the level.

    Returns:
        One judgement per claim. Its findings have intervals that are simultaneous over all claims (Bonferroni); its
        verdict may say more than they do, since the claims that are decided first leave more of the level to it.
    """
    measured = [claim for claim in claims if claim.criteria]
    supported = _decided(run, measured, Verdict.SUPPORTED, shared=False)
    refuted = _decided(run, measured, Verdict.NOT_SUPPORTED, shared=True)
    verdicts = dict.fromkeys(supported, Verdict.SUPPORTED) | dict.fromkeys(refuted, Verdict.NOT_SUPPORTED)
    return [
        dataclasses.replace(judge(run, claim, len(measured)), verdict=verdicts.get(claim.name, Verdict.UNDECIDED))
        for claim in claims
    ]


def _decided(run: RunNumbers, claims: Sequence[Claim], verdict: Verdict, shared: bool) -> list[str]:
    """Names of the claims that have this verdict."""
    left = {claim.name: claim for claim in claims}
    while True:
        found = [name for name, claim in left.items() if judge(run, claim, len(left), shared).verdict == verdict]
        if not found:
            return [claim.name for claim in claims if claim.name not in left]
        for name in found:
            del left[name]
