"""Every arm against a reference arm: how deep, how many seeds, how much forgotten; paired where the seeds are the same.

Seeds of the same label are the same seed. Where two arms have nearly all of their seeds in common (`PAIRED_SHARE`) the
seeds are pairs; else the arms are compared as independent samples. Numbered seeds of plain arrays are pairs by their
number, which is valid and gains nothing where the arms share no random stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.population import rows_of
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.multiplicity import holm
from momentum_jax.analysis.inference.paired import compare_means, compare_shares, comparison_columns
from momentum_jax.analysis.inference.unpaired import compare_unpaired_means, compare_unpaired_shares

PAIRED_SHARE = 0.9  # of the seeds of the larger arm that both arms must have


class ArmPair(NamedTuple):
    """Seeds in which a dip could be seen; the common ones alone, in one order, where they are pairs."""

    paired: bool
    arm: pd.DataFrame
    reference: pd.DataFrame


class Compared(NamedTuple):
    """Arm minus reference arm, of one quantity."""

    difference: Interval
    p_value: float
    correlation: float  # between the arms over pairs; NaN of different seeds
    pairs: int  # of different seeds those of the smaller arm


def comparison_table(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> pd.DataFrame:
    """Arm minus reference arm; empty with one arm.

    Returns:
        Rows for each other arm and ``quantity`` (``depth``, ``prevalence_pct``, ``forgetting``): ``arm, minus``,
        ``paired``, ``pairs`` (of different seeds those of the smaller arm), ``difference`` with its interval (paired:
        BCa and Newcombe; else those for two samples), ``p_value`` (sign flips or permutation; McNemar or Fisher),
        ``p_holm`` over all rows, and the pairing ``correlation``.
    """
    rows: list[dict[str, Any]] = []
    for arm in curves.arms:
        if arm != choices.reference:
            rows += _rows(arm, choices, arm_pair(seeds, arm, choices.reference))
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_value"])) if rows else table


def arm_pair(seeds: pd.DataFrame, arm: str, reference: str) -> ArmPair:
    """The seeds of two arms, as pairs where nearly all are in both."""
    own, other = (rows_of(seeds, name).set_index("seed") for name in (arm, reference))
    common = own.index.intersection(other.index)
    if len(common) >= PAIRED_SHARE * max(len(own), len(other)):
        return ArmPair(True, own.loc[common], other.loc[common])
    return ArmPair(False, own, other)


def compared(pair: ArmPair, column: str, level: float) -> Compared:
    """The comparison of a column of `seed_table`; of a yes or no as fractions of the seeds where it is known."""
    a, b = (rows[column].to_numpy(np.float64, na_value=np.nan) for rows in (pair.arm, pair.reference))
    is_share = pd.api.types.is_bool_dtype(pair.arm[column].dtype)
    if not pair.paired:
        found = compare_unpaired_shares(a, b, level) if is_share else compare_unpaired_means(a, b, level)
        return Compared(found.difference, found.p_value, np.nan, min(found.seeds))
    if is_share:
        shares = compare_shares(a, b, level)
        return Compared(shares.difference, shares.p_value, shares.correlation, shares.pairs)
    means = compare_means(a, b, level)
    return Compared(means.difference, means.p_value, means.correlation, means.pairs)


def _rows(arm: str, choices: Choices, pair: ArmPair) -> Iterator[dict[str, Any]]:
    for quantity, column in (("depth", "depth"), ("prevalence_pct", "is_dip"), ("forgetting", "forgetting")):
        found, scale = compared(pair, column, choices.level), 100 if column == "is_dip" else 1
        estimate, low, high, flag = found.difference
        difference = Interval(scale * estimate, scale * low, scale * high, flag)
        columns = comparison_columns(difference, found.p_value, found.correlation, found.pairs)
        yield {"arm": arm, "minus": choices.reference, "quantity": quantity, "paired": pair.paired} | columns
