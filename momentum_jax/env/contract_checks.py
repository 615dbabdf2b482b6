"""Whether options can be struck and traded at a market's prices, before anything is compiled for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from momentum_jax.env.black_scholes import option_value
from momentum_jax.env.device_market import Market
from momentum_jax.env.environment_options import BLACK_SCHOLES
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.market.errors import DataError


def check_contracts(market: Market, options: Sequence[EnvOptions]) -> None:
    """Refuse strikes of 0 and costs that eat up the premium; nothing to check with the reference's prices.

    Raises:
      DataError: on the first of the options with which the market's contracts cannot be traded.
    """
    for step, half_spread, least, commission in sorted({_terms(each) for each in options if _prices_by_expiry(each)}):
        prices, expiry = np.asarray(market.prices, np.float64), np.asarray(market.expiry, np.float64)
        steps = np.full(len(prices), step) if step > 0 else expiry[:, 3]
        strikes = np.round(prices[:, 0] / steps) * steps
        zero = int((strikes == 0).sum())
        if zero:
            dearest = prices[strikes == 0, 0].max()
            raise DataError(
                f"strike_step={steps[strikes == 0].max():g}: {zero:,} of {len(strikes):,} fills are at {dearest:g} or "
                f"less, where the strike is 0: take a smaller strike_step, or an instrument with a higher price"
            )
        before = expiry[:, 0] > 0  # at the close a premium is its intrinsic value
        spot, strike, years, sigma = prices[before, 0], strikes[before], expiry[before, 0], expiry[before, 1]
        premium = float(np.median(option_value(False, spot, 0.0, strike, years, sigma)))
        cost = max(half_spread * premium, least) + commission / 100.0
        if 2.0 * cost >= premium:
            raise DataError(
                f"buying and selling costs {2.0 * cost:.2f} dollars a share, the usual premium is {premium:.2f}: "
                f"no trade could gain; lower half_spread={half_spread:g}, half_spread_minimum={least:g} or "
                f"commission={commission:g}, or take an instrument with a higher price"
            )


def _prices_by_expiry(options: EnvOptions) -> bool:
    return options.mark_to_market == BLACK_SCHOLES


def _terms(options: EnvOptions) -> tuple[float, float, float, float]:
    return options.strike_step, options.half_spread, options.half_spread_minimum, options.commission
