"""The tables of the study's page, a function each, from one market's condensed runs."""

from __future__ import annotations

import pandas as pd

from momentum_jax.analysis.pages.blocks.claim_verdicts import declared_verdicts
from momentum_jax.analysis.pages.study_market import Market

from .parts import INTERVENTIONS


def interventions(market: Market) -> pd.DataFrame:
    """Every arm: what it isolates, and what it changes besides."""
    del market
    rows = [(arm.name, isolates, also_changes) for arm, isolates, also_changes in INTERVENTIONS]
    return pd.DataFrame(rows, columns=["arm", "isolates", "also_changes"])


def declared(market: Market) -> pd.DataFrame:
    """What the study claimed before it ran, judged together."""
    return declared_verdicts(market, list(market.parts))
