"""Where orders fill, and the time and volatility that options are priced by there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from momentum_jax.market.contract_terms import CALIBRATED, LAGGED_CLOSE, MINUTE, NEXT_OPEN
from momentum_jax.market.session_clock import minutes_to_close
from momentum_jax.market.volatility_curve import calibrated_volatility, implied_volatility


class FillTerms(NamedTuple):
    """Where orders fill, and what options are priced by; the reference's by default."""

    fill: str = LAGGED_CLOSE
    implied_volatility: str = "vix"
    expiry: bool = False  # whether the time to the session's close is asked for
    strike_step: float = 1.0  # dollars between the symbol's listed strikes


REFERENCE_TERMS = FillTerms()


class Expiry(NamedTuple):
    """The time to the session's close in years of trading time, and what goes with it, [R] float64 each."""

    fill_years: np.ndarray  # from the fill; 0 at the close
    fill_sigma: np.ndarray  # implied volatility at the fill
    seen_years: np.ndarray  # from the end of the window's last bar, at least a minute
    strike_step: np.ndarray  # dollars between the symbol's listed strikes


def volatilities(
    bar_time_ns: np.ndarray, vix: np.ndarray, filled: np.ndarray, seen: np.ndarray, terms: FillTerms
) -> tuple[np.ndarray, np.ndarray, Expiry | None]:
    """Volatility [R] at the fills in the bars `filled` and at the ends of the bars `seen`, and the time to expiry."""
    calibrated = terms.implied_volatility == CALIBRATED
    if not (calibrated or terms.expiry):
        return implied_volatility(vix[filled]), implied_volatility(vix[seen]), None
    left = minutes_to_close(bar_time_ns)
    fill_minutes = left[filled] - (terms.fill != NEXT_OPEN)
    seen_minutes = np.maximum(left[seen] - 1, 1)
    if calibrated:
        fill_sigma = calibrated_volatility(fill_minutes, vix[filled])
        sigma = calibrated_volatility(seen_minutes, vix[seen])
    else:
        fill_sigma, sigma = implied_volatility(vix[filled]), implied_volatility(vix[seen])
    strike_step = np.full(len(seen_minutes), terms.strike_step)
    expiry = Expiry(np.maximum(fill_minutes, 0) * MINUTE, fill_sigma, seen_minutes * MINUTE, strike_step)
    return fill_sigma, sigma, expiry if terms.expiry else None
