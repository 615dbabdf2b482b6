"""Units in which numbers of any size can be computed with in single precision, which ends at 1e38."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def unit_of(values: npt.ArrayLike, axis: int | None = None) -> Floats:
    """A power of two, of which the largest value is 1 to 2 times as large: dividing by it changes no digit.

    Args:
        values: without NaN; where all are 0, any unit will do.
        axis: of the values that share a unit; all of them by default.
    """
    largest = np.abs(np.asarray(values, np.float64)).max(axis=axis, initial=0.0)
    return np.asarray(np.ldexp(1.0, np.frexp(largest)[1] - 1))
