"""Implied volatility: the reference's, and a curve fitted to real quotes of options that expire at the close.

At the money, volatility over VIX follows a power of the time left: below VIX for most of the day, above it in the last
minutes. `benchmarks/volatility_calibration.py` fits the two constants to SPXW quotes of 2021-01-04, -06 and -08 and
writes the table and figure of `docs/realistic.md`; three days of one instrument is what the fit rests on.
Over its 462 minutes at the money the median absolute error of a price is 7.4 % of it (1.3 VIX: 91 %).
"""

import numpy as np

from momentum_jax.market.contract_terms import MINUTES_A_SESSION

OPENING_RATIO = 0.503  # volatility over VIX with a whole session left
TIME_POWER = 0.21


def implied_volatility(vix: np.ndarray) -> np.ndarray:
    """Annual volatility (a fraction) that the reference reads off the VIX (in points)."""
    return np.where(vix == 0, 0.20, 1.3 * vix / 100.0)


def calibrated_volatility(minutes_left: np.ndarray, vix: np.ndarray) -> np.ndarray:
    """Annual implied volatility (a fraction) at the money.

    Args:
      minutes_left: minutes to the session's close; below one they count as one.
      vix: the previous session's close of the VIX, in points.
    """
    share = np.maximum(minutes_left, 1.0) / MINUTES_A_SESSION
    return vix / 100.0 * OPENING_RATIO * share**-TIME_POWER
