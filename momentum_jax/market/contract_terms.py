"""Terms of option contracts and fills, shared by the market's tables and the environment. Imports nothing."""

RISK_FREE_RATE = 0.04  # a year
YEARS_TO_EXPIRY = 1.0 / (252 * 6.5)  # one trading hour
MIN_PREMIUM = 0.01  # dollars a share
MINUTES_A_SESSION = 390
MINUTE = 1.0 / (252 * MINUTES_A_SESSION)  # years of trading time

LAGGED_CLOSE, NEXT_OPEN, NEXT_CLOSE = "lagged_close", "next_open", "next_close"
FILLS = (LAGGED_CLOSE, NEXT_OPEN, NEXT_CLOSE)
CALIBRATED = "calibrated"
VOLATILITIES = ("vix", CALIBRATED)

STRIKE_STEPS = dict.fromkeys(("SPX", "SPXW", "GSPC"), 5.0)
"""Dollars between the listed strikes at the money of symbols whose options are not listed in steps of 1."""


def listed_strike_step(symbol: str) -> float:
    """Dollars between the strikes near the money at which a symbol's options are listed; an index may be ^SPX too."""
    return STRIKE_STEPS.get(symbol.removeprefix("I:").lstrip("^$"), 1.0)
