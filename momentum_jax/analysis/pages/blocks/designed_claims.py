"""What a study with a design claimed before it ran: verdicts by Holm's method, and in every universe of choices."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence

import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import verdict_table
from momentum_jax.analysis.claims.multiverse import Choices, universes
from momentum_jax.analysis.claims.step_down import judge_step_down
from momentum_jax.analysis.claims.verdicts import Judgement, declared_claims
from momentum_jax.analysis.metrics.coarser import at_steps
from momentum_jax.analysis.pages.study_market import Market


class PartsNumbers(RunNumbers):
    """The numbers of parts that are joined. What speaks of one part's arms is judged to that part's own end."""

    def __init__(self, market: Market, parts: Sequence[str], joined: xr.Dataset) -> None:
        super().__init__(joined)
        found = [market.parts[part] for part in parts if part in market.parts]
        self._longer = [RunNumbers(ds) for ds in found if ds.sizes["checkpoint"] > joined.sizes["checkpoint"]]

    def for_arms(self, names: Collection[str]) -> RunNumbers:
        return next((one for one in self._longer if set(names) <= set(one.ds["arm"].values)), self)


@functools.lru_cache(maxsize=1)
def judgements(market: Market, parts: tuple[str, ...]) -> list[Judgement]:
    """Every claim that these parts declared, judged together; kept for the tables that are made of them.

    Empty where none of the parts was run.
    """
    ds = market.joined(parts)
    return [] if ds is None else judge_step_down(PartsNumbers(market, parts, ds), declared_claims(ds))


def step_down_verdicts(market: Market, parts: tuple[str, ...]) -> pd.DataFrame:
    """A row for each criterion that these parts declared; claims share the level of 5 % by Holm's method."""
    return verdict_table(judgements(market, parts))


def multiverse(market: Market, parts: tuple[str, ...], choices: Choices, windows: Sequence[int]) -> pd.DataFrame:
    """Claims in every universe; see `claims.multiverse.universes`.

    Args:
        market: the parts.
        parts: whose claims are judged.
        choices: what is varied beside the metric's form.
        windows: environment steps at which windowed metrics are read.
    """
    ds = market.joined(parts)
    if ds is None:
        return pd.DataFrame()
    runs: dict[str, xr.Dataset] = {"exact": ds, "windowed": at_steps(ds, windows)}
    return universes(runs, declared_claims(ds), choices)
