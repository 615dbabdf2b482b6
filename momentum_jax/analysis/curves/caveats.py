"""What an analysis cannot see or had to assume, a sentence each, with what would mend it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices, noise_of, partly_known
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.population import dips_beyond, rows_of
from momentum_jax.analysis.curves.written_numbers import points_of
from momentum_jax.analysis.report.formatting import compact

SHORTEST_SEEN = 4
"""Checkpoints that a dip of few seeds has to last to be told from estimated noise: benchmarks/coverage_curves.py."""

_FEW = 1  # seeds whose estimated noise is so wide: the same benchmark

# By the noise: what a seed lacks that is not judged, and what judges it.
_LACKING = {
    "counts": ("counts", "Give them, or take the noise from the curves by noise=estimated"),
    "standard_errors": ("standard errors", "Give them, or take the noise from the curves by noise=estimated"),
    "replicates": (
        "replicates of at least 4 degrees of freedom in all",
        "Give them, or take the noise from the curves by noise=estimated",
    ),
    "estimated": (
        "values beside each other, from which noise is estimated,",
        "Give standard errors or replicates, or take the values as they are by noise=exact",
    ),
}
_SAID = ("horizon", "threshold", "noise")  # choices of which it is said that they were derived


def caveats(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> Iterator[str]:
    """The sentences; arguments as for `answer`."""
    own = rows_of(seeds, choices.reference)
    if choices.noise == "estimated":
        yield _short_dips(curves)
    if choices.threshold.outlier:
        yield _one_value(curves, choices, own)
    yield from _not_judged(curves, choices, seeds)
    within = int((own["reaches_threshold"] & ~own["exceeds_noise"])[own["judged"]].sum())
    if choices.noise != "exact" and choices.threshold.value > 0 and within:
        of_arm = f" of {choices.reference}" if len(curves.arms) > 1 else ""
        seeds_fall = (
            f"{within} more seed{of_arm} {choices.worse}s"
            if within == 1
            else f"{within} more seeds{of_arm} {choices.worse}"
        )
        yield f"{seeds_fall} by {choices.threshold.words}, and no more than noise may make: not counted as dips."
    derived = [name for name in _SAID if any(sentence.startswith(f"no {name} ") for sentence in choices.derived)]
    if derived:
        yield f"Not given, so derived: {', '.join(derived)}."


def _one_value(curves: CurveSet, choices: Choices, own: pd.DataFrame) -> str:
    """What a threshold would be without the values that make the range."""
    one, without = choices.threshold.outliers == 1, choices.threshold.without
    judged = own[own["judged"]]
    of_arm = f" of {choices.reference}" if len(curves.arms) > 1 else ""
    dips = f", and {dips_beyond(judged, without)} of {len(judged)} seeds{of_arm} dip" if len(judged) else ""
    them = "it" if one else "them"
    return (
        f"{'One value makes' if one else 'Single values make'} the range, and so the smallest {choices.worse} that "
        f"counts: {choices.threshold.outlier}. Without {them} that is {points_of(without, curves)}{dips}. "
        f"{'Correct the value, or leave it' if one else 'Leave them'} out, or give threshold={without:.4g}."
    )


def _not_judged(curves: CurveSet, choices: Choices, seeds: pd.DataFrame) -> Iterator[str]:
    """How many seeds of each arm are in no share of seeds, why, and what would judge them."""
    for arm in curves.arms:
        own = rows_of(seeds, arm)
        number = int((~own["judged"]).sum())
        if number:
            of_arm = f" of {arm}" if len(curves.arms) > 1 else ""
            lacking, remedy = _LACKING[choices.noise]
            yield (
                f"{number} of {len(own)} seeds{of_arm} are not judged, and count neither as dips nor as none: that "
                f"needs {lacking} at two steps by the horizon, both ends of the largest {choices.worse} among them. "
                f"{remedy}."
            )


def _short_dips(curves: CurveSet) -> str:
    lasts = (SHORTEST_SEEN - 1) * float(np.median(np.diff(curves.steps)))
    few = ", nor most longer ones of a single seed" if curves.ran.sum(axis=1).min() <= _FEW else ""
    return (
        f"Noise is estimated from the curves, which hides short dips: most of 1 to {SHORTEST_SEEN - 1} checkpoints "
        f"(up to about {compact(lasts)} steps) look like noise and are not counted, nor are longer ones where most "
        f"seeds dip{few}. To see them, {_remedy(curves)}."
    )


def _remedy(curves: CurveSet) -> str:
    """How to give what is not there, or to use what is."""
    carried, lacking = noise_of(curves), partly_known(curves)
    if carried != "estimated":
        return f"take what the curves carry, by noise={carried}"
    if lacking:
        return f"give the noise of every arm: {lacking}"
    return "give the standard error of each value (a column value_se) or replicates"
