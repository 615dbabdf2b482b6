"""How many seeds a new study needs, for margins and differences that are named; seeds like those that were seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.population import judged_of, rows_of
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference
from momentum_jax.analysis.inference.power import seeds_needed
from momentum_jax.analysis.inference.precision import seeds_for_mean_within, seeds_for_share_within

POINTS = (10.0, 5.0)  # margin of a prevalence, percentage points
SHARES = (0.25, 0.1)  # margin of a mean depth, share of that depth
CHANGES = (20.0, 10.0)  # difference of two arms' prevalence, percentage points
DEPTH_CHANGES = (0.5, 0.25)  # difference of two arms' mean depth, share of that depth
POWER = 0.8


def sample_size_table(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> pd.DataFrame:
    """One row for each arm and question; empty for arms with too few seeds.

    Returns:
        Columns ``arm``; ``question``: ``prevalence_pct within`` and ``depth within`` (half the width of the interval),
        ``prevalence_pct differs by`` and ``depth differs by`` (from an arm of other seeds, found with 80 % power by the
        tests of `inference.power`); ``margin`` in points or in the unit of the values; ``seen``, the number of seeds
        here, for a prevalence the judged ones; ``seeds_needed`` of each arm, NaN above 4 096 or where nothing varies.
    """
    rows: list[dict[str, Any]] = []
    for arm in curves.arms:
        own, judged = rows_of(seeds, arm), judged_of(seeds, arm)
        if enough(len(judged)):
            rows += [{"arm": arm, "seen": len(judged)} | row for row in _share_rows(judged, choices)]
        if enough(len(own)):
            rows += [{"arm": arm, "seen": len(own)} | row for row in _depth_rows(own, choices)]
    return pd.DataFrame(rows, columns=["arm", "question", "margin", "seen", "seeds_needed"])


def _share_rows(seeds: pd.DataFrame, choices: Choices) -> Iterator[dict[str, Any]]:
    share = float(seeds["is_dip"].mean())
    for points in POINTS:
        number = seeds_for_share_within(share, points / 100, choices.level)
        yield _row("prevalence_pct within", points, number)
    for points in CHANGES:
        other = share - points / 100 if share > 0.5 else share + points / 100
        yield _row("prevalence_pct differs by", points, seeds_needed(other, share, None, POWER, choices.alpha))


def _depth_rows(seeds: pd.DataFrame, choices: Choices) -> Iterator[dict[str, Any]]:
    depth, spread = float(seeds["depth"].mean()), float(seeds["depth"].std(ddof=1))
    if not (depth > 0 and spread > 0):
        return
    for part in SHARES:
        yield _row("depth within", part * depth, seeds_for_mean_within(spread, part * depth, choices.level))
    for part in DEPTH_CHANGES:
        number = seeds_for_mean_difference(part * depth, spread, None, POWER, choices.alpha)
        yield _row("depth differs by", part * depth, number)


def _row(question: str, margin: float, number: int | None) -> dict[str, Any]:
    return {"question": question, "margin": margin, "seeds_needed": np.nan if number is None else number}
