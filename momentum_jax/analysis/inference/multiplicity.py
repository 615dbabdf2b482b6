"""Many metrics and arms: one primary metric, Holm for the confirmatory set, Benjamini–Hochberg for the rest.

Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statist. 6.
Benjamini and Hochberg (1995), Controlling the False Discovery Rate, JRSS B 57.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Adjusted p values ``[test]`` that hold the chance of any false finding; NaN stays and takes no part."""
    return _adjusted(p_values, lambda known: multipletests(known, method="holm")[1])


def benjamini_hochberg(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Adjusted p values ``[test]`` that hold the share of false findings; NaN stays and takes no part."""
    return _adjusted(p_values, lambda known: stats.false_discovery_control(known, method="bh"))


def adjust_by_role(tests: pd.DataFrame) -> pd.Series:
    """Adjusts a table of tests as declared.

    Args:
        tests: columns ``p_value`` and ``role``: primary (one row, not adjusted), confirmatory
            (Holm) or exploratory (Benjamini–Hochberg).

    Returns:
        Adjusted p values with the table's index.

    Raises:
        ValueError: an unknown role, or more than one primary test.
    """
    roles = tests["role"]
    unknown = sorted(set(roles) - {"primary", "confirmatory", "exploratory"})
    if unknown:
        raise ValueError(f"roles {unknown}, expected primary, confirmatory or exploratory")
    if (roles == "primary").sum() > 1:
        raise ValueError(f"{(roles == 'primary').sum()} primary tests, expected one: call the others confirmatory")
    adjusted = tests["p_value"].astype(float).copy()
    for role, method in (("confirmatory", holm), ("exploratory", benjamini_hochberg)):
        rows = (roles == role).to_numpy()
        adjusted[rows] = method(adjusted[rows].to_numpy())
    return adjusted


def _adjusted(
    p_values: npt.ArrayLike, method: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    result = np.array(p_values, np.float64)
    known = ~np.isnan(result)
    if known.any():
        result[known] = method(result[known])
    return result
