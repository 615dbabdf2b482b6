"""The one rule for few seeds: below six there is no verdict and no interval, wherever a result is read.

A sign-flip test of five pairs cannot reach 5 %, and a bootstrap interval of two values is these two values. Numbers
are still given; what decides, and what looks as if it did, is not.
"""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt

MIN_SEEDS = 6
NO_VERDICT = f"no verdict below {MIN_SEEDS} seeds"


@overload
def enough(seeds: float) -> bool: ...
@overload
def enough(seeds: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]: ...
def enough(seeds: float | npt.NDArray[np.int64]) -> bool | npt.NDArray[np.bool_]:
    """Whether so many seeds (or pairs of seeds) may have an interval, a band and a verdict."""
    return seeds >= MIN_SEEDS
