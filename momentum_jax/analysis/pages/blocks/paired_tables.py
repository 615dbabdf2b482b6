"""Arms against a reference arm on the same seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.intervals import Interval, mean_interval
from momentum_jax.analysis.inference.level import LEVEL, shared_confidence
from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference
from momentum_jax.analysis.inference.multiplicity import adjust_by_role
from momentum_jax.analysis.inference.paired import compare_means
from momentum_jax.analysis.inference.verdict import direction
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Market, Outcome, paired


def paired_depths(market: Market, reference: Outcome | None, parts: Sequence[str]) -> pd.DataFrame:
    """Depth of every other arm of these parts less the reference's on the same seeds.

    Returns:
        One row per arm: ``difference`` with an interval simultaneous over the arms of its role (Bonferroni), sign-flip
        ``p_value`` and ``p_adjusted`` (Holm for the confirmatory, Benjamini-Hochberg for the exploratory arms).
    """
    compared = [o for o in market.outcomes if o.part in parts and o is not reference]
    if reference is None or not compared:
        return pd.DataFrame()
    rows = []
    for outcome in compared:
        family = sum(other.confirmatory == outcome.confirmatory for other in compared)
        found = compare_means(*paired(outcome, reference), confidence=shared_confidence(family))
        row: dict[str, Any] = {
            "role": "confirmatory" if outcome.confirmatory else "exploratory",
            "part": outcome.part,
            "arm": outcome.arm,
            "pairs": found.pairs,
        }
        row |= ends("depth", mean_interval(outcome.depth)) | ends("difference", found.difference)
        rows.append(row | {"p_value": found.p_value, "correlation": found.correlation})
    table = pd.DataFrame(rows)
    return table.assign(p_adjusted=adjust_by_role(table))


def undecided_pairs(
    market: Market, reference: Outcome | None, parts: Sequence[str], smallest_change: float = 1.0
) -> pd.DataFrame:
    """Arms whose difference may be 0 and may be more than `smallest_change`, and how large a new study has to be.

    Returns:
        One row per arm of `paired_depths` whose interval holds 0 and reaches beyond ±`smallest_change` points. A new
        study of ``seeds_of_a_new_study`` pairs, none of them of this one, finds a difference of that size with 80 %
        power at the level of `paired_depths`. It is not a number to fill up to: see docs/statistics.md, "Looking
        again".
    """
    table = paired_depths(market, reference, parts)
    if table.empty:
        return table
    low, high = table["difference_low"], table["difference_high"]
    intervals = map(Interval, table["difference"], low, high)
    signs = np.array([direction(change, pairs) for change, pairs in zip(intervals, table["pairs"], strict=True)])
    open_ones = table[(signs == 0) & (np.maximum(-low, high) > smallest_change)]
    rows = []
    for row in open_ones.to_dict("records"):
        outcome = market.outcome(row["arm"], row["part"])
        if outcome is None or reference is None:
            continue
        a, b = paired(outcome, reference)
        # The paired formula with no correlation left: the spread of the differences themselves.
        spread, level = float(np.nanstd(a - b, ddof=1) / np.sqrt(2)), LEVEL / (table["role"] == row["role"]).sum()
        needed = seeds_for_mean_difference(smallest_change, spread, 0.0, alpha=level)
        names = ("role", "part", "arm", "pairs", "difference", "difference_low", "difference_high")
        rows.append({name: row[name] for name in names} | {"seeds_of_a_new_study": needed})
    return pd.DataFrame(rows)


def pairs_by_part(
    pairs: Iterable[tuple[str, Outcome | None, Outcome | None]], first: str = "first", second: str = "second"
) -> pd.DataFrame:
    """Depth of one arm less that of another on the same seeds, for pairs of several parts.

    Args:
        pairs: the part that a pair stands for and its two arms; a pair of which one was not run is left out.
        first: name of the first arm's column.
        second: name of the second arm's column.
    """
    rows = []
    for part, one, other in pairs:
        if one is None or other is None:
            continue
        found = compare_means(*paired(one, other))
        rows.append(
            {
                "part": part,
                "pairs": found.pairs,
                **ends(first, mean_interval(one.depth)),
                **ends(second, mean_interval(other.depth)),
                **ends("difference", found.difference),
                "p_value": found.p_value,
            }
        )
    return pd.DataFrame(rows)
