"""The noise of values that are made of several measured ones, by the rule by which the values are made.

Measurements are independent, so the variance of a weighted sum is that of its parts, weighted by the squares. Counts
of a mean of percentages are those of nothing that was counted: there are none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.curves.reading.reading import RunCurve

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COUNTS_LEFT_OUT = (
    "Their counts are left out, for means of percentages have none; --align=previous keeps the counts of each value."
)


def has_counts(run: RunCurve) -> bool:
    """Whether making new values of its values loses its counts."""
    return "totals" in run.noise


def noise_on_line(run: RunCurve, grid: Floats) -> dict[str, Floats]:
    """Of values on the line between known neighbours: standard errors ``[N]`` and replicates ``[R, N]``.

    Args:
        run: with one known value or more, at steps that increase.
        grid: ``[N]`` steps; NaN outside those of the run.
    """
    known = ~np.isnan(run.values)
    steps = run.steps[known]
    after = np.minimum(np.searchsorted(steps, grid), len(steps) - 1)
    before = np.where(steps[after] == grid, after, np.maximum(after - 1, 0))
    apart = steps[after] - steps[before]
    share = np.where(apart > 0, (grid - steps[before]) / np.where(apart > 0, apart, 1), 0.0)
    outside = (grid < steps[0]) | (grid > steps[-1])
    found = {}
    if "standard_errors" in run.noise:
        errors = run.noise["standard_errors"][known]
        found["standard_errors"] = np.hypot((1 - share) * errors[before], share * errors[after])
    if "replicates" in run.noise:
        each = run.noise["replicates"][:, known]
        found["replicates"] = (1 - share) * each[:, before] + share * each[:, after]
    return {name: np.where(outside, np.nan, array) for name, array in found.items()}


def noise_of_means(run: RunCurve, window: Ints, count: Ints) -> dict[str, Floats]:
    """Of means of values in N windows: standard errors ``[N]`` and replicates ``[R, N]``.

    Args:
        run: of whose known values they are means.
        window: of each known value.
        count: ``[N]`` of the known values in each window.
    """
    known, number = ~np.isnan(run.values), np.where(count > 0, count, np.nan)
    found = {}
    if "standard_errors" in run.noise:
        squares = run.noise["standard_errors"][known] ** 2
        found["standard_errors"] = np.sqrt(np.bincount(window, squares, minlength=len(count))) / number
    if "replicates" in run.noise:
        each = run.noise["replicates"][:, known]
        found["replicates"] = np.array([np.bincount(window, row, minlength=len(count)) for row in each]) / number
    return found
