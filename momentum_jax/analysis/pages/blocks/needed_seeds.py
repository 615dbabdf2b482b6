"""How many seeds a new study needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.inference.intervals import Interval, wilson_interval
from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.inference.power import seeds_needed
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market, Outcome, paired

_NULL_PREVALENCE = 0.05


def power(market: Market, reference: Outcome | None, arms: Sequence[str]) -> pd.DataFrame:
    """How many seeds a new study needs to show such a dip, or to tell two arms apart, with 80 % power at 5 %.

    ``seeds_of_each_arm`` is for the difference observed, ``seeds_at_most`` for the end of its 95 % interval nearest 0.

    Args:
        market: the parts.
        reference: the arm whose dip is meant; None gives an empty table.
        arms: names of those to be told from it; one that was not run is left out.
    """
    if reference is None:
        return pd.DataFrame()
    rows = [_prevalence(market, reference)]
    for other in (market.outcome(arm) for arm in arms):
        rows += [] if other is None else list(_differences(other, reference))
    return pd.DataFrame(rows)


def _prevalence(market: Market, reference: Outcome) -> dict[str, Any]:
    known = reference.depth[~np.isnan(reference.depth)]
    share = wilson_interval(int(reaches(known, market.threshold).sum()), len(known))
    estimate, low, high = (100 * (end - _NULL_PREVALENCE) for end in share[:3])
    observed = Interval(estimate, low, high, share.flag)
    question = f"seeds with a dip in {reference.arm} against {100 * _NULL_PREVALENCE:.0f} % of seeds"
    needed = [seeds_needed(dips, _NULL_PREVALENCE) if dips > _NULL_PREVALENCE else None for dips in share[:2]]
    return _row(question, observed, *needed)


def _differences(other: Outcome, reference: Outcome) -> Iterator[dict[str, Any]]:
    """A row for arms on the same seeds, and one for arms on different seeds."""
    a, b = paired(other, reference)
    found = compare_means(a, b)
    spread = float(np.sqrt((np.nanvar(a, ddof=1) + np.nanvar(b, ddof=1)) / 2))
    for pairing, correlation in (("same seeds", found.correlation), ("other seeds", None)):
        needed = [_seeds_for(difference, spread, correlation) for difference in _from_nearest(found.difference)]
        yield _row(f"mean depth of {other.arm} against {reference.arm}, {pairing}", found.difference, *needed)


def _from_nearest(difference: Interval) -> tuple[float, float]:
    """The estimate, and the end of the interval that lies nearest to 0; 0 itself where the interval holds it."""
    low, high = difference.low, difference.high
    return difference.estimate, 0.0 if low <= 0 <= high else min(low, high, key=abs)


def _seeds_for(difference: float, spread: float, correlation: float | None) -> int | None:
    """Seeds of each arm that find this difference; None where no number does or nothing is known."""
    unknown = correlation is not None and np.isnan(correlation)
    return None if unknown or difference == 0 else seeds_for_mean_difference(difference, spread, correlation)


def _row(question: str, observed: Interval, needed: float | None, at_most: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {"question": question} | ends("observed", observed)
    return row | {"seeds_of_each_arm": _number(needed), "seeds_at_most": _number(at_most)}


def _number(number: float | None) -> str:
    return "more than 4 096" if number is None or np.isnan(number) else f"{number:.0f}"
