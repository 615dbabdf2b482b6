"""What a study claimed before it ran, judged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import verdict_table
from momentum_jax.analysis.claims.verdicts import declared_claims, judge_together
from momentum_jax.analysis.pages.study_market import Market


def declared_verdicts(market: Market, parts: Sequence[str]) -> pd.DataFrame:
    """A row for each criterion that these parts declared; all their claims share the level of 5 %."""
    ds = market.joined(parts)
    return pd.DataFrame() if ds is None else verdict_table(judge_together(RunNumbers(ds), declared_claims(ds)))
