"""Which closes can be those of a VIX, in points."""

import numpy as np

# The VIX has closed between 9.14 and 82.69 since 1990 (8.56 and 89.53 within a day); indices of the same kind over one
# day or nine have been lower and higher. The bounds leave room for those. Fractions of 1 lie below, SPY's prices and a
# hundredfold VIX above.
LOWEST_VIX = 2.0
HIGHEST_VIX = 150.0
EXPECTED_VIX = (
    f"a VIX is in points, from {LOWEST_VIX:g} to {HIGHEST_VIX:g} (it has closed between 9.14 and 82.69 since 1990)"
)


def outside_vix_range(close: np.ndarray) -> np.ndarray:
    """Which closes [N] are no VIX, [N] bool; NaN is none."""
    return ~((close >= LOWEST_VIX) & (close <= HIGHEST_VIX))
