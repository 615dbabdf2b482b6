"""Whether whole-dollar strikes suit the price: the environment's options are struck at the rounded close."""

import numpy as np
import pandas as pd

from momentum_jax.market.bars import session_dates
from momentum_jax.market.checks.quality import ERROR, WARN, Finding
from momentum_jax.market.features import entry_premiums
from momentum_jax.market.vix.vix_timing import DEFAULT_VIX
from momentum_jax.market.volatility_curve import implied_volatility

INTRINSIC_SHARE = 0.75  # of the premium of an option that is struck a usual rounding away from the price
USUAL_ROUNDING = 0.25  # dollars: the mean distance from a price to the nearest whole dollar


def strike_findings(bars: pd.DataFrame, vix: pd.Series | None, price_scale: float | None) -> list[Finding]:
    """What is wrong with strikes of whole dollars at these prices.

    An error where a strike is 0; a warning where premiums are mostly intrinsic value, so that they say by how much the
    strike was rounded rather than what an hour costs.

    Args:
        bars: a bar frame.
        vix: daily VIX closes by naive date; None for a usual one.
        price_scale: what the file's prices were divided by; None for bars that come from no file.
    """
    close = bars["close"].to_numpy()
    days = session_dates(bars.index)
    seen = np.full(len(close), DEFAULT_VIX) if vix is None else vix.reindex(days).fillna(DEFAULT_VIX).to_numpy()
    zero = int((np.round(close) == 0).sum())
    share = _intrinsic_share(close, seen)
    if not zero and share <= INTRINSIC_SHARE:
        return []
    remedy = "take an instrument with a higher price"
    if price_scale is not None:
        fine = (10.0**-place for place in range(1, 10))
        scale = next(scale for scale in fine if _intrinsic_share(close / scale, seen) <= INTRINSIC_SHARE)
        remedy += f", or count in smaller units with --file_price_scale={scale * price_scale:g}"
    if zero:
        text = f"{zero:,} of {len(close):,} closes are 0.50 or less, where the whole-dollar strike is 0: {remedy}"
        return [Finding(ERROR, "cheap", None, text)]
    text = (
        f"strikes are whole dollars, which is coarse at a price of {np.median(close):.2f}: {share:.0%} of a usual "
        f"premium is rounding of the strike: {remedy}"
    )
    return [Finding(WARN, "cheap", None, text)]


def _intrinsic_share(close: np.ndarray, vix: np.ndarray) -> float:
    """Share of intrinsic value in the premium of a call that is a usual rounding in the money, at the median bar."""
    strike = np.maximum(np.round(close), 1.0)
    call, _ = entry_premiums(strike + USUAL_ROUNDING, implied_volatility(vix))
    return float(np.median(USUAL_ROUNDING / call))
